import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { Key } from '@thinkrl/spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encodeSafetensors,
  type HostTensor,
  Linear,
  loadParameters,
  mapTensors,
  openCheckpoint,
  openSafetensors,
  ParameterMismatchError,
  SafetensorsError,
  type StoredTensor,
} from '../src/index.ts';
import { torchIsHere, useCpu } from './engine.ts';

const hasTorch = await torchIsHere();
await useCpu();
const root = mkdtempSync(join(tmpdir(), 'nn-checkpoint-'));
const weight = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6), dtype: 'BF16' as const };
const bias = { shape: [2], data: Float32Array.of(0.5, -0.5) };

/** Whether results in the storage of `x` cannot tell 1 from 1 + 2^-12. */
const isHalf = (x: tf.Tensor) => tf.add(tf.onesLike(x), tf.scalar(2 ** -12)).dataSync()[0] === 1;

/** A folder with two shards and an index that says what it is told to. */
function shards(name: string, index: unknown): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.safetensors'), encodeSafetensors(new Map([['weight', weight]])));
  writeFileSync(join(folder, 'b.safetensors'), encodeSafetensors(new Map([['bias', bias]])));
  const text = typeof index === 'string' ? index : JSON.stringify(index);
  writeFileSync(join(folder, 'model.safetensors.index.json'), text);
  return folder;
}

const honest = { weight_map: { weight: 'a.safetensors', bias: 'b.safetensors' } };

describe('openCheckpoint', () => {
  it('reads shards as one, each tensor when it is asked for', () => {
    const folder = shards('honest', { metadata: { total_size: 20 }, ...honest });
    const checkpoint = openCheckpoint(folder);
    expect([...checkpoint.tensors.keys()]).toEqual(['weight', 'bias']);
    const layer = new Linear({ inputs: 3, outputs: 2, start: 'unset', key: Key.of(1) });
    loadParameters(layer.parameters(), checkpoint.tensors, { storage: 'bfloat16' });
    expect([...layer.weight.dataSync(), ...layer.bias!.dataSync()]).toEqual([1, 2, 3, 4, 5, 6, 0.5, -0.5]);
    checkpoint.close();
    checkpoint.close();
    expect(() => checkpoint.tensors.get('weight')!.data).toThrow(/has been closed/);
  });

  it('opens a file, a folder with one, and links as a hub cache has them', () => {
    const folder = shards('whole', honest);
    expect(openCheckpoint(join(folder, 'b.safetensors')).tensors.get('bias')!.data).toEqual(bias.data);
    const linked = join(root, 'linked');
    mkdirSync(linked);
    symlinkSync(join(folder, 'b.safetensors'), join(linked, 'model.safetensors'));
    expect([...openCheckpoint(linked).tensors.keys()]).toEqual(['bias']);
  });

  describe.runIf(hasTorch)('on an engine that reads files itself', () => {
    beforeAll(() => useEngine({ engine: 'torch', threads: 1 }));
    afterAll(useCpu);

    it.each(['F32', 'F16', 'BF16'] as const)(
      'takes %s from its place, nothing of it on the host',
      (dtype) => {
        const [rows, width] = [257, 64];
        const data = Float32Array.from({ length: rows * width }, (_, i) => 1 + (i % 7) / 8);
        const path = join(root, `large-${dtype}.safetensors`);
        const odd = { shape: [3], data: Uint8Array.of(1, 2, 3) };
        const stored = { shape: [rows, width], data, dtype };
        writeFileSync(
          path,
          encodeSafetensors(
            new Map<string, StoredTensor>([
              ['odd', odd],
              ['weight', stored],
            ]),
          ),
        );
        const file = openSafetensors(path);
        const onlyPlace: HostTensor = {
          shape: stored.shape,
          place: file.tensors.get('weight')!.place!,
          get data(): never {
            throw new Error('the values were read on the host');
          },
        };
        const layer = new Linear({
          inputs: width,
          outputs: rows,
          bias: false,
          start: 'unset',
          key: Key.of(1),
        });
        for (const halves of ['keep', 'widen'] as const) {
          const before = tf.memory().numTensors;
          loadParameters(layer.parameters(), new Map([['weight', onlyPlace]]), { halves });
          expect(tf.memory().numTensors).toBe(before);
          expect(layer.weight.dataSync().findIndex((value, i) => value !== data[i])).toBe(-1);
          expect(isHalf(layer.weight)).toBe(halves === 'keep' && dtype !== 'F32');
        }
        layer.dispose();
        file.close();
      },
    );

    it('says that a file was cut short or closed since it had been opened', () => {
      const path = join(shards('cut below', honest), 'a.safetensors');
      const file = openSafetensors(path);
      const layer = new Linear({ inputs: 3, outputs: 2, bias: false, start: 'unset', key: Key.of(1) });
      const load = () => loadParameters(layer.parameters(), file.tensors);
      truncateSync(path, 40);
      expect(load).toThrow(SafetensorsError);
      expect(load).toThrow(/ends at byte 40/);
      file.close();
      expect(load).toThrow(/closed/);
    });
  });

  it('says where a file ends that was cut after it had been opened', () => {
    const path = join(shards('cut', honest), 'a.safetensors');
    const file = openSafetensors(path);
    truncateSync(path, 40);
    expect(() => file.tensors.get('weight')!.data).toThrow(SafetensorsError);
    expect(() => file.tensors.get('weight')!.data).toThrow(/ends at byte/);
  });

  const map = (change: object) => ({ weight_map: { ...honest.weight_map, ...change } });
  it.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /not JSON/],
    ['no map', {}, /weight_map/],
    ['null', null, /weight_map/],
    ['a list', { weight_map: [] }, /weight_map/],
    ['a path out of the folder', map({ weight: '../a.safetensors' }), /no file beside it/],
    ['an absolute path', map({ weight: '/etc/a.safetensors' }), /no file beside it/],
    ['a path of another system', map({ weight: '..\\a.safetensors' }), /no file beside it/],
    ['a path with a zero', map({ weight: 'a\u0000.safetensors' }), /no file beside it/],
    ['another kind of file', map({ weight: 'a.bin' }), /no file beside it/],
    ['a number', map({ weight: 1 }), /no file beside it/],
    ['a file that is not there', map({ weight: 'c.safetensors' }), /no such file/],
    ['the wrong shard', map({ weight: 'b.safetensors' }), /said to be in b.safetensors and is not/],
    ['a tensor that is nowhere', map({ more: 'a.safetensors' }), /more is said to be/],
    [
      'less than is there',
      { weight_map: { bias: 'b.safetensors', weight: 'a.safetensors', x: 'x' } },
      /no file/,
    ],
  ])('refuses an index with %s', (name, index, message) => {
    const folder = shards(`bad ${name}`, index);
    expect(() => openCheckpoint(folder)).toThrow(SafetensorsError);
    expect(() => openCheckpoint(folder)).toThrow(message);
  });

  it('refuses shards with more than the index lists, two files without an index, and an empty folder', () => {
    const folder = shards('more', { weight_map: { weight: 'a.safetensors', bias: 'b.safetensors' } });
    const extra = new Map([
      ['bias', bias],
      ['more', bias],
    ]);
    writeFileSync(join(folder, 'b.safetensors'), encodeSafetensors(extra));
    expect(() => openCheckpoint(folder)).toThrow(/holds more, which the index does not list/);
    const two = join(root, 'two');
    mkdirSync(two);
    expect(() => openCheckpoint(two)).toThrow(/no safetensors file/);
    for (const name of ['a.safetensors', 'b.safetensors']) writeFileSync(join(two, name), '');
    expect(() => openCheckpoint(two)).toThrow(/a.safetensors and b.safetensors: name one/);
    expect(() => openCheckpoint(join(root, 'nowhere'))).toThrow(/no such file/);
    expect(() => openSafetensors(two)).toThrow(/not a file/);
  });
});

describe('mapTensors', () => {
  const tensors = new Map<string, HostTensor>([
    ['model.visual.a', bias],
    ['model.visual.b', weight],
    ['extra.time', bias],
  ]);
  it('renames, changes and drops; the rest stays', () => {
    const first = ({ shape, data }: HostTensor) => ({ shape: [shape[1]!], data: data.subarray(0, shape[1]) });
    const mapped = mapTensors(tensors, [
      { match: /\.b$/, name: '.last', change: first },
      { match: /^extra\./, drop: true },
    ]);
    expect([...mapped.keys()]).toEqual(['model.visual.a', 'model.visual.last']);
    expect(mapped.get('model.visual.last')).toEqual({ shape: [3], data: Float32Array.of(1, 2, 3) });
  });
  it('refuses two tensors of one name', () => {
    const attempt = () => mapTensors(tensors, [{ match: /^model\.visual\..$/, name: 'same' }]);
    expect(attempt).toThrow(ParameterMismatchError);
    expect(attempt).toThrow(/model.visual.b, a second same/);
  });
  it('leaves nothing behind when a load fails', () => {
    const layer = new Linear({ inputs: 3, outputs: 2, key: Key.of(1) });
    const before = tf.memory().numTensors;
    expect(() => loadParameters(layer.parameters(), tensors)).toThrow(ParameterMismatchError);
    expect(tf.memory().numTensors).toBe(before);
  });
});
