import * as tf from '@tensorflow/tfjs-core';
import { attention, Module, type RotaryTables, rotaryEmbedding } from '@thinkrl/nn';
import type { TransformerConfig } from './config.ts';
import { Modulation } from './modulation.ts';
import { Stream } from './stream.ts';

/** How many tokens of each kind a batch has, in their order. */
export interface TokenCounts {
  readonly text: number;
  /** Of the image that is denoised. */
  readonly noisy: number;
  readonly references: number;
}

/** Modulation vectors of a block for one noise level: `[6 width]`, or `[batch, 1, 6 width]` for one per row. */
export interface BlockVectors {
  readonly text: tf.Tensor;
  readonly noisy: tf.Tensor;
  /** Of the references; those of the noisy image unless they are modulated apart. */
  readonly references: tf.Tensor;
}

/** What a block needs beside its tokens. */
export interface BlockInputs {
  readonly counts: TokenCounts;
  readonly vectors: BlockVectors;
  /** Tables of all tokens. */
  readonly tables: RotaryTables;
  /** Bool `[batch, 1, 1, tokens]`: which tokens may be attended to. */
  readonly mask?: tf.Tensor | undefined;
}

/**
 * A double-stream block: text and image tokens have weights of their own and attend to each other. Tokens are
 * `[batch, text + noisy + references, width]`, text first.
 */
export class QwenImageBlock extends Module {
  readonly text: Stream;
  readonly image: Stream;

  constructor(config: TransformerConfig) {
    super();
    const register = <M extends Module>(place: string, part: M) => this.child(place, part);
    this.image = new Stream('image', config, register);
    this.text = new Stream('text', config, register);
  }

  /** All tokens to all tokens. */
  forward(tokens: tf.Tensor3D, inputs: BlockInputs): tf.Tensor3D {
    const modulation = modulations(inputs);
    const [text, image] = splitTokens(tokens, inputs.counts.text);
    const mixed = this.attended(tokens, inputs);
    return tf.concat(
      [
        finished(this.text, { x: text, mixed: mixed.text, modulation: modulation.text }),
        finished(this.image, { x: image, mixed: mixed.image, modulation: modulation.image }),
      ],
      1,
    );
  }

  /**
   * The first `keep` image tokens alone, for the last block: nothing reads the others, so neither what the text becomes nor
   * its queries are computed.
   */
  forwardLast(tokens: tf.Tensor3D, inputs: BlockInputs, keep: number): tf.Tensor3D {
    const modulation = modulations(inputs);
    const [text, image] = splitTokens(tokens, inputs.counts.text);
    const textNormed = modulation.text.norm(text, 'attention');
    const imageNormed = modulation.image.norm(image, 'attention');
    const tables = tablesOf(inputs.tables, inputs.counts.text, keep);
    const query = turned(this.image.queries(firstTokens(imageNormed, keep)), tables);
    const mixed = this.mix(query, { text: textNormed, image: imageNormed }, inputs);
    return finished(this.image, {
      x: firstTokens(image, keep),
      mixed: this.image.output.forward(mixed),
      modulation: modulations({ ...inputs, counts: keptCounts(inputs.counts, keep) }).image,
    });
  }

  /** What attention adds to both streams, before its gate. */
  attended(tokens: tf.Tensor3D, inputs: BlockInputs): Streams {
    const modulation = modulations(inputs);
    const [text, image] = splitTokens(tokens, inputs.counts.text);
    const normed = {
      text: modulation.text.norm(text, 'attention'),
      image: modulation.image.norm(image, 'attention'),
    };
    const queries = tf.concat([this.text.queries(normed.text), this.image.queries(normed.image)], 1);
    const mixed = this.mix(turned(queries, inputs.tables), normed, inputs);
    const [textMixed, imageMixed] = splitTokens(mixed, inputs.counts.text);
    return { text: this.text.output.forward(textMixed), image: this.image.output.forward(imageMixed) };
  }

  /** Attention of `query` over all tokens, heads joined: `[batch, targets, width]`. */
  private mix(query: tf.Tensor4D, normed: Streams, { tables, mask }: BlockInputs): tf.Tensor3D {
    const joint = (text: tf.Tensor4D, image: tf.Tensor4D) => tf.concat([text, image], 1);
    const key = turned(joint(this.text.keys(normed.text), this.image.keys(normed.image)), tables);
    const value = joint(this.text.values(normed.text), this.image.values(normed.image));
    const mixed = attention({ query, key, value, mask });
    const [batch, targets, heads, size] = mixed.shape;
    return tf.reshape(mixed, [batch, targets, heads * size]);
  }
}

/** The tokens of both streams, `[batch, tokens, width]` each. */
interface Streams {
  readonly text: tf.Tensor3D;
  readonly image: tf.Tensor3D;
}

function modulations({ counts, vectors }: BlockInputs): {
  readonly text: Modulation;
  readonly image: Modulation;
} {
  const { noisy, references } = counts;
  const image =
    vectors.noisy === vectors.references
      ? [{ tokens: noisy + references, vectors: vectors.noisy }]
      : [
          { tokens: noisy, vectors: vectors.noisy },
          { tokens: references, vectors: vectors.references },
        ];
  return {
    text: new Modulation([{ tokens: counts.text, vectors: vectors.text }]),
    image: new Modulation(image),
  };
}

/** The counts when only the first `keep` image tokens are left. */
function keptCounts({ text, noisy }: TokenCounts, keep: number): TokenCounts {
  const kept = Math.min(noisy, keep);
  return { text, noisy: kept, references: keep - kept };
}

interface StreamResult {
  readonly x: tf.Tensor3D;
  readonly mixed: tf.Tensor3D;
  readonly modulation: Modulation;
}

/** Adds attention's share, then the feed-forward layer's, each through its gate. */
function finished(stream: Stream, { x, mixed, modulation }: StreamResult): tf.Tensor3D {
  const attended = tf.add<tf.Tensor3D>(x, modulation.gate(mixed, 'attention'));
  const forward = stream.feedForward(modulation.norm(attended, 'feedForward'));
  return tf.add(attended, modulation.gate(forward, 'feedForward'));
}

function turned(x: tf.Tensor4D, tables: RotaryTables): tf.Tensor4D {
  return rotaryEmbedding(x, tables, { interleaved: true });
}

/** The tables' rows of `count` tokens from `start` on. */
function tablesOf({ cosine, sine }: RotaryTables, start: number, count: number): RotaryTables {
  const rows = (table: tf.Tensor) => tf.slice(table, [start, 0], [count, -1]);
  return { cosine: rows(cosine), sine: rows(sine) };
}

function splitTokens(x: tf.Tensor3D, first: number): readonly [tf.Tensor3D, tf.Tensor3D] {
  return tf.split(x, [first, x.shape[1] - first], 1) as [tf.Tensor3D, tf.Tensor3D];
}

function firstTokens(x: tf.Tensor3D, count: number): tf.Tensor3D {
  return count === x.shape[1] ? x : tf.slice(x, [0, 0, 0], [-1, count, -1]);
}
