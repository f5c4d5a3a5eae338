import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  loadNetwork,
  type Network,
  NetworkBusyError,
  NetworkClosedError,
  NetworkLoadError,
  NetworkRunError,
} from '@thinkrl/onnx';
import { ConfigError } from '@thinkrl/spec';
import { afterEach, describe, expect, it } from 'vitest';
import { slowFeed, slowModel, tinyModel } from './models.ts';

const open: Network[] = [];

async function load(...[options]: Parameters<typeof loadNetwork>): Promise<Network> {
  const network = await loadNetwork(options);
  open.push(network);
  return network;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((network) => network.close()));
});

const row = (...numbers: readonly number[]) => ({
  x: { data: Float32Array.from(numbers), dims: [numbers.length / 2, 2] },
});

describe('a network in worker threads', () => {
  it('computes what its graph says, and leaves the feeds to their owner', async () => {
    const network = await load({ model: tinyModel(), workers: 2 });
    const feeds = row(1, 2, 3, 4, 5, 6);
    const { y } = await network.run(feeds);
    expect(y).toEqual({ data: new Float32Array([5, 11, 17]), dims: [3, 1] });
    expect(feeds.x.data).toHaveLength(6);
    expect([network.inputs, network.outputs, network.workers]).toEqual([['x'], ['y'], 2]);
  });

  it('takes views of larger and of shared memory', async () => {
    const network = await load({ model: tinyModel() });
    const large = new Float32Array(1_000_000);
    large.set([3, 4], 500_000);
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([5, 6]);
    const views = [large.subarray(500_000, 500_002), shared];
    const replies = await Promise.all(views.map((data) => network.run({ x: { data, dims: [1, 2] } })));
    expect(replies.map(({ y }) => y!.data[0])).toEqual([11, 17]);
  });

  it('answers each of many runs with its own result, on one worker or on several', async () => {
    for (const workers of [1, 3]) {
      const network = await load({ model: tinyModel(), workers });
      const replies = await Promise.all(Array.from({ length: 300 }, (_, i) => network.run(row(i, 2 * i))));
      expect(replies.map(({ y }) => y!.data[0])).toEqual(Array.from({ length: 300 }, (_, i) => 5 * i));
    }
  });

  it('keeps the event loop free during a run', async () => {
    const network = await load({ model: slowModel() });
    let ticks = 0;
    const clock = setInterval(() => ticks++, 2);
    const { y } = await network.run(slowFeed());
    clearInterval(clock);
    expect(y!.data[0]).toBeCloseTo(1, 5);
    expect(ticks).toBeGreaterThan(3);
  });

  it('has one fingerprint for one model, by path or by bytes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'thinkrl-onnx-'));
    try {
      const path = join(folder, 'tiny.onnx');
      writeFileSync(path, tinyModel());
      const [byPath, byBytes, other] = [
        await load({ model: path }),
        await load({ model: tinyModel() }),
        await load({ model: slowModel(1) }),
      ];
      expect(byPath.fingerprint).toMatch(/^[0-9a-f]{16}$/);
      expect(byPath.fingerprint).toBe(byBytes.fingerprint);
      expect(other.fingerprint).not.toBe(byBytes.fingerprint);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('refusals', () => {
  it.each([
    ['a missing input', {}, /missing: x/],
    ['an unknown input', { ...row(1, 2), z: row(1, 2).x }, /unknown: z/],
    ['a shape that does not fit the data', { x: { data: new Float32Array(3), dims: [1, 2] } }, /3 numbers/],
    ['a shape that does not fit the graph', { x: { data: new Float32Array(3), dims: [1, 3] } }, /dimension/i],
    ['another type', { x: { data: new Int32Array(2), dims: [1, 2] } }, /type/],
  ])('%s is a NetworkRunError, and the next run works', async (_, feeds, message) => {
    const network = await load({ model: tinyModel() });
    await expect(network.run(feeds)).rejects.toThrow(NetworkRunError);
    await expect(network.run(feeds)).rejects.toThrow(message);
    expect((await network.run(row(1, 1))).y!.data[0]).toBe(3);
  });

  it('an output that the network does not have', async () => {
    const network = await load({ model: tinyModel() });
    await expect(network.run(row(1, 2), { outputs: ['z'] })).rejects.toThrow(
      /no output z; the outputs are y/,
    );
  });

  it('a model that is none, or not there', async () => {
    await expect(loadNetwork({ model: new Uint8Array([1, 2, 3]), workers: 2 })).rejects.toMatchObject({
      code: 'ONNX_LOAD',
      reason: 'model',
    });
    await expect(loadNetwork({ model: '/nowhere/net.onnx' })).rejects.toThrow(NetworkLoadError);
  });

  it.each([{ workers: 0 }, { threads: 1.5 }, { queue: -1 }])(
    'settings that cannot work: %j',
    async (wrong) => {
      await expect(loadNetwork({ model: tinyModel(), ...wrong })).rejects.toThrow(ConfigError);
    },
  );

  it('more runs than the queue holds', async () => {
    const network = await load({ model: slowModel(4), queue: 2 });
    const runs = Array.from({ length: 5 }, () => network.run(slowFeed()));
    const ends = await Promise.allSettled(runs);
    expect(ends.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect((ends[4] as PromiseRejectedResult).reason).toBeInstanceOf(NetworkBusyError);
  });
});

describe('cancellation and the end', () => {
  it('takes a waiting run out of the queue and lets go of one under way', async () => {
    const network = await load({ model: slowModel() });
    const [first, second] = [new AbortController(), new AbortController()];
    const runs = [
      network.run(slowFeed(), { signal: first.signal }),
      network.run(slowFeed(), { signal: second.signal }),
      network.run(slowFeed()),
    ];
    await sleep(20);
    first.abort(new Error('enough'));
    second.abort(new Error('enough too'));
    const ends = await Promise.allSettled(runs);
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(ends.slice(0, 2).map((end) => (end as PromiseRejectedResult).reason.message)).toEqual([
      'enough',
      'enough too',
    ]);
    await expect(network.run(slowFeed(), { signal: first.signal })).rejects.toThrow('enough');
  });

  it('close finishes every run that was taken, and takes no more', async () => {
    const network = await loadNetwork({ model: slowModel(10), workers: 2 });
    const runs = Array.from({ length: 5 }, () => network.run(slowFeed()));
    const closed = network.close();
    await expect(network.run(slowFeed())).rejects.toThrow(NetworkClosedError);
    await closed;
    expect((await Promise.allSettled(runs)).map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'));
    await network.close();
  });

  it('opens and closes many times over', async () => {
    for (let round = 0; round < 10; round++) {
      const network = await loadNetwork({ model: tinyModel(), workers: 2 });
      await network.run(row(1, 2));
      await network.close();
    }
  });
});

describe('the end of the process', () => {
  const run = promisify(execFile);
  const script = fileURLToPath(new URL('./ending.ts', import.meta.url));
  const child = (how: string) =>
    run(process.execPath, ['--import', 'tsx', '--conditions=@thinkrl/source', script, how], {
      timeout: 50_000,
    });

  it('an idle network does not hold it up', async () => {
    expect((await child('idle')).stdout).toBe('5\n');
  });

  it.each(['exit', 'throw'])('%s during runs is no crash', async (how) => {
    const end = await child(how).then(
      () => ({ code: 0, signal: null }),
      (error: { code: number; signal: string | null }) => error,
    );
    expect([end.code, end.signal]).toEqual([how === 'exit' ? 0 : 1, null]);
  });
});
