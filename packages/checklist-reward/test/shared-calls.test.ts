import { describe, expect, it } from 'vitest';
import { SharedCalls } from '../src/shared-calls.ts';

/** A piece of work that ends when told to, and counts how often it was begun. */
function slow() {
  let end!: (value: string) => void;
  let begun = 0;
  let signal: AbortSignal | undefined;
  const work = (own: AbortSignal) => {
    begun += 1;
    signal = own;
    return new Promise<string>((resolve, reject) => {
      end = resolve;
      own.addEventListener('abort', () => reject(own.reason));
    });
  };
  return { work, end: (value: string) => end(value), begun: () => begun, signal: () => signal! };
}

describe('SharedCalls', () => {
  it('begins a call once for all who ask meanwhile', async () => {
    const calls = new SharedCalls<string>();
    const { work, end, begun } = slow();
    const both = [calls.join('a', work, undefined), calls.join('a', work, undefined)];
    expect([calls.has('a'), calls.has('b')]).toEqual([true, false]);
    end('done');
    expect(await Promise.all(both)).toEqual(['done', 'done']);
    expect([begun(), calls.has('a')]).toEqual([1, false]);
  });

  it('leaves the others waiting where one gives up', async () => {
    const calls = new SharedCalls<string>();
    const { work, end, signal } = slow();
    const abort = new AbortController();
    const hasty = calls.join('a', work, abort.signal);
    const patient = calls.join('a', work, undefined);
    abort.abort(new Error('enough'));
    await expect(hasty).rejects.toThrow('enough');
    expect(signal().aborted).toBe(false);
    end('done');
    expect(await patient).toBe('done');
  });

  it('cancels a call that nobody waits for, and begins a new one for who comes then', async () => {
    const calls = new SharedCalls<string>();
    const first = slow();
    const abort = new AbortController();
    const given = [calls.join('a', first.work, abort.signal), calls.join('a', first.work, abort.signal)];
    abort.abort(new Error('enough'));
    const second = slow();
    const later = calls.join('a', second.work, undefined);
    for (const call of given) await expect(call).rejects.toThrow('enough');
    expect(first.signal().aborted).toBe(true);
    second.end('done');
    expect(await later).toBe('done');
    await expect(calls.join('a', second.work, abort.signal)).rejects.toThrow('enough');
    expect(second.begun()).toBe(1);
  });

  it('forgets a call that failed', async () => {
    const calls = new SharedCalls<string>();
    await expect(calls.join('a', () => Promise.reject(new Error('no')), undefined)).rejects.toThrow('no');
    expect(await calls.join('a', async () => 'yes', undefined)).toBe('yes');
  });
});
