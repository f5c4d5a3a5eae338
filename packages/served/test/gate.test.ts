import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gate } from '../src/gate.ts';

const newcomer = { returning: false, signal: undefined };
const back = { returning: true, signal: undefined };

/** A piece of work that ends when told to. */
function work(log: string[], name: string) {
  let end!: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    end,
    run: () => {
      log.push(name);
      return ended;
    },
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('Gate', () => {
  it('lets who returns go first, each kind in its order', async () => {
    const log: string[] = [];
    const gate = new Gate(1);
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => work(log, name));
    const passes = [
      gate.pass(a!.run, newcomer),
      gate.pass(b!.run, newcomer),
      gate.pass(c!.run, newcomer),
      gate.pass(d!.run, back),
      gate.pass(e!.run, back),
    ];
    for (const piece of [a, d, e, b, c]) {
      piece!.end();
      await settle();
    }
    await Promise.all(passes);
    expect(log).toEqual(['a', 'd', 'e', 'b', 'c']);
  });

  it('adds up how long its places were free', async () => {
    const gate = new Gate(3);
    const before = gate.idle;
    const start = performance.now();
    const sleep = () => new Promise<void>((resolve) => setTimeout(resolve, 50));
    await Promise.all([gate.pass(sleep, newcomer), gate.pass(sleep, newcomer)]);
    // Two of three places were taken all the time.
    const passed = performance.now() - start;
    expect(Math.abs(gate.idle - before - passed)).toBeLessThan(0.2 * passed);
  });

  it('takes out who gives up, and goes on after a failure', async () => {
    const gate = new Gate(1);
    const log: string[] = [];
    const first = work(log, 'first');
    const abort = new AbortController();
    const passes = [
      gate.pass(first.run, newcomer),
      gate.pass(async () => log.push('never'), { ...newcomer, signal: abort.signal }),
      gate.pass(() => Promise.reject(new Error('bug')), newcomer),
      gate.pass(async () => log.push('last'), newcomer),
    ];
    abort.abort(new Error('enough'));
    await expect(passes[1]).rejects.toThrow('enough'); // while the first still runs
    passes[2]!.catch(() => {});
    first.end();
    await expect(passes[2]).rejects.toThrow('bug');
    await passes[3];
    expect(log).toEqual(['first', 'last']);
    await expect(gate.pass(async () => {}, { ...newcomer, signal: abort.signal })).rejects.toThrow('enough');
  });

  it('never lets more in than its width, and everyone in the end', async () => {
    const arrivals = fc.array(fc.record({ returning: fc.boolean(), turns: fc.integer({ min: 1, max: 3 }) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), arrivals, async (width, pieces) => {
        const gate = new Gate(width);
        let inside = 0;
        let most = 0;
        const done = pieces.map(({ returning, turns }) =>
          gate.pass(
            async () => {
              most = Math.max(most, ++inside);
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              inside -= 1;
            },
            { returning, signal: undefined },
          ),
        );
        await Promise.all(done);
        expect(most).toBe(Math.min(width, pieces.length));
      }),
      { numRuns: 50 },
    );
  });
});
