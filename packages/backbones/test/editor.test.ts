import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { taskList } from '@thinkrl/microworld';
import { noGrad, WeightSnapshot } from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { Editor, MicroEditBackbone, MicroInputError, microCodec } from '../src/micro/index.ts';
import { difference, engines, values } from './engine.ts';

const SIZE = { width: 16, blocks: 2, heads: 2 };
const tasks = taskList(Key.of(11), 'id', 3);
const conditions = ['erase red ball b2 .', 'move blue box a1 c3 .', tasks[2]!.instruction].map((text, i) => ({
  references: tasks[i]!.references,
  text,
}));
let backbone: MicroEditBackbone;

describe.each(await engines())('on %s', (engine) => {
  beforeAll(async () => {
    await useEngine({ engine, threads: 1 });
    backbone = new MicroEditBackbone(new Editor(Key.of(1), SIZE));
    const start = backbone.model.timeOut.weight;
    start.assign(tf.mul(values(start.shape, 'time'), 0.1));
  });

  describe('MicroEditBackbone', () => {
    it('gives each edit of a batch what it gives that edit alone', () => {
      const latents = values([3, 16, 192], 'noise');
      tf.tidy(() => {
        const together = backbone.velocity(latents, 0.6, backbone.encode(conditions));
        conditions.forEach((condition, i) => {
          const alone = backbone.velocity(
            tf.slice(latents, [i, 0, 0], [1, 16, 192]),
            0.6,
            backbone.encode([condition]),
          );
          expect(difference(tf.slice(together, [i, 0, 0], [1, 16, 192]), alone)).toBeLessThan(1e-4);
        });
      });
    });

    it('is the velocity towards the predicted clean picture', () => {
      const latents = values([3, 16, 192], 'noise') as tf.Tensor3D;
      tf.tidy(() => {
        const conditioning = backbone.encode(conditions);
        const clean = backbone.model.predict(latents, 0.25, conditioning.context);
        const velocity = backbone.velocity(latents, 0.25, conditioning);
        expect(difference(tf.sub(latents, tf.mul(velocity, 0.25)), clean)).toBeLessThan(1e-4);
      });
    });

    it('treats one time for all rows and the same time per row alike', () => {
      const latents = values([3, 16, 192], 'noise') as tf.Tensor3D;
      tf.tidy(() => {
        const { context } = backbone.encode(conditions);
        const shared = backbone.model.predict(latents, 0.4, context);
        expect(difference(backbone.model.predict(latents, [0.4, 0.4, 0.4], context), shared)).toBeLessThan(
          1e-5,
        );
        expect(difference(backbone.model.predict(latents, [0.9, 0.4, 0.4], context), shared)).toBeGreaterThan(
          1e-3,
        );
      });
    });

    it('has the gradient that central differences give', () => {
      const latents = values([3, 16, 192], 'noise');
      const weights = values([3, 16, 192], 'weights');
      const total = () =>
        tf.sum(tf.mul(backbone.velocity(latents, 0.5, backbone.encode(conditions)), weights)) as tf.Scalar;
      for (const name of [
        'words.weight',
        'addresses',
        'grounding.weight',
        'reference.weight',
        'timeIn.weight',
        'blocks.1.offset',
        'blocks.0.text.weight',
        'textBlocks.0.attention.qkv.weight',
      ]) {
        const variable = backbone.parameters().get(name)!;
        const gradient = tf.variableGrads(total, [variable]).grads[variable.name]!.dataSync() as Float32Array;
        const start = variable.dataSync().slice();
        const largest = gradient.reduce((a: number, b: number) => Math.max(a, Math.abs(b)), 0);
        const index = gradient.findIndex((value: number) => Math.abs(value) === largest);
        const at = (delta: number) => {
          const moved = start.slice();
          moved[index] = moved[index]! + delta;
          variable.assign(tf.tensor(moved, variable.shape));
          return tf.tidy(() => total().dataSync()[0]!);
        };
        const numeric = (at(1e-2) - at(-1e-2)) / 2e-2;
        variable.assign(tf.tensor(start, variable.shape));
        expect(Math.abs(numeric / gradient[index]! - 1), name).toBeLessThan(2e-2);
      }
    });

    it('gives the same velocities and gradients bit for bit while references are kept, under other weights too', async () => {
      const chains = [...conditions, ...conditions].map((condition) => ({ ...condition }));
      const latents = values([6, 16, 192], 'noise');
      const projection = backbone.parameters().get('reference.weight')!;
      const other = new WeightSnapshot(new Map([['reference.weight', projection]]));
      projection.assign(tf.mul(projection, 2));
      const velocity = () => backbone.velocity(latents, 0.6, backbone.encode(chains));
      const measure = () =>
        tf.tidy(() => {
          const { grads } = tf.variableGrads(() => tf.sum(tf.square(velocity())), [projection]);
          const found = [velocity(), grads[projection.name]!, noGrad(() => other.during(velocity))];
          return found.map((tensor) => Array.from(tensor.dataSync()));
        });
      const before = tf.memory().numTensors;
      const plain = measure();
      const kept = await backbone.references.during(async () => {
        const first = measure();
        expect(tf.memory().numTensors).toBe(before + 3);
        expect(measure()).toEqual(first);
        return first;
      });
      expect(kept).toEqual(plain);
      expect(plain[2]).not.toEqual(plain[0]);
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose([latents]);
      other.dispose();
    });

    it('frees its conditioning, and refuses what it cannot read', () => {
      const before = tf.memory().numTensors;
      const conditioning = backbone.encode(conditions);
      conditioning.dispose();
      expect(tf.memory().numTensors).toBe(before);
      expect(() => backbone.encode([{ references: [], text: '' }])).toThrow(MicroInputError);
      const long = { references: tasks[0]!.references, text: new Array(21).fill('ok').join(' ') };
      expect(() => backbone.encode([long])).toThrow(MicroInputError);
    });
  });

  describe('microCodec', () => {
    it('loses nothing and clips', async () => {
      const images = tasks.map((task) => task.references[0]!);
      const latents = microCodec.encode(images);
      const back = await microCodec.decode(latents);
      images.forEach((image, i) => {
        image.data.forEach((value, k) => {
          expect(Math.abs(value - back[i]!.data[k]!)).toBeLessThan(1e-6);
        });
      });
      const [wild] = await microCodec.decode(tf.mul(latents, 5));
      expect(Math.max(...wild!.data)).toBe(1);
      expect(Math.min(...wild!.data)).toBe(0);
    });
  });
});
