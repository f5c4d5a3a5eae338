// What tfjs-core's specs use of Jasmine, on top of Vitest's globals.
import { type MockInstance, vi } from 'vitest';

type AnyFunction = (...args: unknown[]) => unknown;
type Done = ((reason?: unknown) => void) & { fail: (reason?: unknown) => void };

const scope = globalThis as unknown as Record<string, unknown>;

scope.jasmine = {
  getEnv: () => ({ configuration: () => ({ specFilter: () => true }), configure: () => undefined }),
  arrayWithExactContents: (wanted: unknown[]) => ({
    asymmetricMatch: (got: unknown[]) =>
      got.length === wanted.length && wanted.every((item) => got.includes(item)),
  }),
};

let spies: MockInstance[] = [];

function spyOn(target: Record<string, AnyFunction>, key: string): unknown {
  const original = target[key]!;
  const spy = vi.spyOn(target, key).mockImplementation(() => undefined);
  spies.push(spy);
  return Object.assign(spy, {
    calls: {
      count: () => spy.mock.calls.length,
      first: () => ({ args: spy.mock.calls[0] }),
      mostRecent: () => ({ args: spy.mock.calls.at(-1) }),
      reset: () => spy.mockClear(),
    },
    and: {
      callThrough: () =>
        spy.mockImplementation(function through(this: unknown, ...args: unknown[]) {
          return original.apply(this, args);
        }),
      callFake: (fake: AnyFunction) => spy.mockImplementation(fake),
      returnValue: (value: unknown) => spy.mockReturnValue(value),
    },
  });
}

scope.spyOn = spyOn;

beforeEach(() => {
  spies = [];
});

afterEach(() => {
  for (const spy of spies) spy.mockRestore();
});

scope.expectAsync = (promise: Promise<unknown>) => ({
  toBeRejected: () => expect(promise).rejects.toBeTruthy(),
  toBeRejectedWithError: (wanted: string | RegExp) => expect(promise).rejects.toThrow(wanted),
});

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** A spec that takes `done` has ended when it calls it. */
function awaited(spec: (done: Done) => void): () => Promise<void> {
  return () =>
    new Promise((resolve, reject) => {
      const fail = (reason?: unknown) => reject(asError(reason));
      spec(Object.assign(() => resolve(), { fail }));
    });
}

const plainIt = it;
scope.it = (name: string, spec: AnyFunction, timeout?: number) =>
  plainIt(name, spec.length === 0 ? (spec as () => void) : awaited(spec), timeout);
scope.xit = plainIt.skip;
scope.fail = (reason: unknown) => {
  throw asError(reason);
};

function verdict(pass: boolean, text = '') {
  return { pass, message: () => text };
}

function thrownBy(run: () => void): { threw: boolean; error: unknown } {
  try {
    run();
    return { threw: false, error: undefined };
  } catch (error) {
    return { threw: true, error };
  }
}

expect.extend({
  nothing: () => verdict(true),
  toBe: (got: unknown, wanted: unknown) =>
    verdict(got === wanted || Object.is(got, wanted), `expected ${got} to be ${wanted}`),
  toBeTrue: (got: unknown) => verdict(got === true, `expected ${got} to be true`),
  toBeFalse: (got: unknown) => verdict(got === false, `expected ${got} to be false`),
  toThrowError(run: () => void, ...wanted: unknown[]) {
    const { threw, error } = thrownBy(run);
    const kind = wanted.find((item) => typeof item === 'function') as (new () => Error) | undefined;
    const text = wanted.find((item) => typeof item === 'string' || item instanceof RegExp);
    const said = error instanceof Error ? error.message : String(error);
    const fits = text === undefined || (text instanceof RegExp ? text.test(said) : said === text);
    return verdict(
      threw && (kind === undefined || error instanceof kind) && fits,
      `threw ${said}; wanted ${text}`,
    );
  },
});
