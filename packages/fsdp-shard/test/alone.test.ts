import { memory, mul, type Scalar, sum, type Tensor, tensor, type Variable } from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { Module } from '@thinkrl/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { fullyShard, type ShardedModule, singleProcess } from '../src/index.ts';

/** Weighs what it is given; a part of it is never used. */
class Scale extends Module {
  private readonly weight: Variable;

  constructor(values: readonly number[]) {
    super();
    this.weight = this.parameter('weight', tensor([...values], [values.length, 1]));
    this.parameter('idle', tensor([5, 6]));
  }

  apply(x: Tensor): Tensor {
    return mul(this.weight, x);
  }
}

class Pair extends Module {
  readonly first = this.child('first', new Scale([1, 2, 3]));
  readonly second = this.child('second', new Scale([4, 5]));
}

/** Gradients by parameter, from whatever part of the shards they lie in. */
function byParameter(sharded: ShardedModule, gradients: ReadonlyMap<string, Tensor>) {
  const found: Record<string, number[]> = {};
  for (const { name: part, pieces } of sharded.kept())
    for (const { name, at, size } of pieces) {
      const values = gradients.get(part)?.dataSync();
      if (values !== undefined) found[name] = [...values.slice(at, at + size)];
    }
  return found;
}

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

describe.each([
  ['that stays as it is', false],
  ['that is shared out all the same', true],
])('a module of one rank %s', (_, shareAlone) => {
  const made = () => {
    const model = new Pair();
    const sharded = fullyShard(model, {
      group: singleProcess(),
      units: [model.first, model.second],
      shareAlone,
    });
    // The slope of weight i is its place from 1 on, times `factor`.
    const objective = (part: Scale, places: readonly number[], factor: number) => () => {
      const x = tensor(
        places.map((place) => place * factor),
        [places.length, 1],
      );
      return { loss: sum(part.apply(x)) as Scalar };
    };
    const first = (factor: number) => objective(model.first, [1, 2, 3], factor);
    const second = (factor: number) => objective(model.second, [1, 2], factor);
    return { sharded, first, second };
  };

  it('learns from the units that a pass uses; what these do not use has a slope of 0', () => {
    const { sharded, first } = made();
    const result = sharded.gradients(first(10));
    expect(result.loss.dataSync()[0]).toBe(10 + 40 + 90);
    expect(byParameter(sharded, result.gradients)).toEqual({
      'first.weight': [10, 20, 30],
      'first.idle': [0, 0],
    });
  });

  it('adds up what it accumulates, by hand, and forgets it when it is taken', () => {
    const { sharded, first, second } = made();
    const added = () => {
      for (const part of [first(1), second(1), first(100)]) sharded.accumulate(part).loss.dispose();
    };
    added();
    const collected = sharded.collect(3);
    expect(byParameter(sharded, collected)).toEqual({
      'first.weight': [303, 606, 909],
      'first.idle': [0, 0],
      'second.weight': [3, 6],
      'second.idle': [0, 0],
    });
    added();
    sharded.discard();
    added();
    const sent = sharded.gradients(second(10));
    expect(byParameter(sharded, sent.gradients)).toMatchObject({
      'first.weight': [101, 202, 303],
      'second.weight': [11, 22],
    });
    const nothing = sharded.collect();
    expect(byParameter(sharded, nothing)).toEqual({
      'first.weight': [0, 0, 0],
      'first.idle': [0, 0],
      'second.weight': [0, 0],
      'second.idle': [0, 0],
    });
  });

  it('leaves nothing behind', () => {
    const { sharded, first, second } = made();
    const before = memory().numTensors;
    sharded.accumulate(first(1)).loss.dispose();
    sharded.accumulate(first(1)).loss.dispose();
    sharded.gradients(second(1)).dispose();
    sharded.accumulate(first(1)).loss.dispose();
    sharded.discard();
    expect(memory().numTensors).toBe(before);
  });
});

it('is made of the parameters themselves, or of a vector for every unit', () => {
  const names = (shareAlone: boolean) => {
    const model = new Pair();
    const units = [model.first];
    return [...fullyShard(model, { group: singleProcess(), units, shareAlone }).shards().keys()];
  };
  expect(names(false)).toEqual(['first.weight', 'first.idle', 'second.weight', 'second.idle']);
  expect(names(true)).toEqual(['first', 'root']);
});
