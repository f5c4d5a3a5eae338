import { createHash } from 'node:crypto';
import type { Image } from '@thinkrl/spec';
import type { JudgeRequest } from '../judge.ts';

/** Hashes requests; a picture that comes again is hashed once. */
export interface RequestHasher {
  /**
   * A hash of all that a reply may depend on: task id, category, instruction and reference pictures, the edited picture,
   * the questions in their order, and the key.
   */
  hash(request: JudgeRequest): string;
}

/** A hasher with a memory of its own. */
export function createRequestHasher(): RequestHasher {
  const known = new WeakMap<Image, string>();
  const hashOf = (image: Image) => {
    const hash = known.get(image) ?? pictureHash(image);
    known.set(image, hash);
    return hash;
  };
  return {
    hash({ task, image, questions, key }) {
      const { id, category, instruction, references } = task;
      const asked = questions.map((question) => [question.id, question.text, question.expected]);
      const pictures = [...references, image].map(hashOf);
      const parts = [id, category, instruction, pictures, asked, key.words()];
      return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
    },
  };
}

function pictureHash({ width, height, data }: Image): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(`${width}x${height} `).update(bytes).digest('hex');
}
