import { join } from 'node:path';
import { useEngine } from '@thinkrl/engine';
import { fakeWorld } from '@thinkrl/fsdp-shard/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMetrics, train } from '../src/index.ts';
import { MODULES, type Module, type PairOptions, pairRun } from './pair.ts';

/** A run of which one module scores NaN in the updates of some iterations. */
interface Broken extends PairOptions {
  readonly module: Module;
  readonly during: (iteration: number) => boolean;
}

const brokenRun = ({ module, during, ...options }: Broken) =>
  pairRun({ ...options, scored: (of, at) => (of === module && during(at) ? Number.NaN : 1) });

const skipsOf = (root: string, module: Module) =>
  readMetrics(join(root, 'metrics.jsonl')).map((report) => report[module]!.skipped);

beforeAll(async () => {
  await useEngine({ engine: 'cpu' });
});

describe.each(MODULES)('numbers of the %s module that are not finite', (module) => {
  const other = MODULES.find((name) => name !== module)!;

  it('leave its update out, are counted, and are past when they are past', async () => {
    const { run, root, weights } = await brokenRun({ module, during: (at) => at === 2 || at === 4 });
    await train(run);
    expect(skipsOf(root, module)).toEqual([undefined, 'non-finite', undefined, 'non-finite', undefined]);
    expect(skipsOf(root, other)).toEqual(Array(5).fill(undefined));
    const moved = (name: Module) =>
      weights.slice(1).map((after, i) => String(after[name]) !== String(weights[i]![name]));
    expect(moved(module)).toEqual([true, false, true, false, true]);
    expect(moved(other)).toEqual(Array(5).fill(true));
  });

  it('end the run, named, when they go on; resumed in between, after as many', async () => {
    const broken = { module, during: (at: number) => at >= 3 };
    const { run, root } = await brokenRun(broken);
    const end = { code: 'ORCHESTRATOR_DIVERGED', module, skipped: 2 };
    await expect(train(run)).rejects.toMatchObject(end);
    const skips = [undefined, undefined, 'non-finite', 'non-finite'];
    expect(skipsOf(root, module)).toEqual(skips);
    const resumed = await brokenRun({ ...broken, root, from: 3 });
    await expect(train(resumed.run)).rejects.toMatchObject(end);
    expect(skipsOf(root, module)).toEqual(skips);
  });

  it('on one rank leave the update out on all', async () => {
    const ranks = await Promise.all(
      fakeWorld(2).map((group) => brokenRun({ module, group, during: (at) => at === 2 && group.rank === 1 })),
    );
    await Promise.all(ranks.map(({ run }) => train(run)));
    for (const { root } of ranks)
      expect(skipsOf(root, module)).toEqual([undefined, 'non-finite', undefined, undefined, undefined]);
    expect(ranks[1]!.weights).toEqual(ranks[0]!.weights);
  });
});
