import type { Image } from '@thinkrl/spec';
import type { TextLine, TextReader } from '../onnx/text-reader.ts';

/** Log-likelihood of every text but the one that is there. */
const ELSEWISE = -20;

/**
 * A reader for tests, without networks: it is told what stands in a picture, is sure of it, and finds every other text
 * equally unlikely.
 *
 * @example
 * const judge = textJudge({ reader: fakeTextReader(() => ['OPEN', '24 hours']) });
 */
export function fakeTextReader(textsOf: (image: Image) => readonly string[]): TextReader {
  return {
    version: 'fake',
    workers: 1,
    read: async (image) =>
      textsOf(image).map(
        (text): TextLine => ({
          box: { x: 0, y: 0, width: image.width, height: image.height },
          text,
          logLikelihood: (asked) => (asked === text ? 0 : ELSEWISE),
        }),
      ),
  };
}
