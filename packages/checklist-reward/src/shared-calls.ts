import { setMaxListeners } from 'node:events';

interface Call<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/**
 * Calls under way, by key. Who asks for the same meanwhile waits for the same call; who gives up leaves the others
 * waiting, and the call is cancelled when nobody waits for it any more.
 */
export class SharedCalls<T> {
  private readonly underWay = new Map<string, Call<T>>();

  /** Whether a call of this key is under way. */
  has(key: string): boolean {
    return this.underWay.has(key);
  }

  /** What the call of this key gives; `work` is begun where none is under way. */
  join(key: string, work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const call = this.underWay.get(key) ?? this.begin(key, work);
    call.waiting += 1;
    return new Promise((resolve, reject) => {
      const leave = () => {
        call.waiting -= 1;
        if (call.waiting === 0) this.cancel(key, call, signal?.reason);
        reject(signal?.reason);
      };
      if (signal !== undefined) setMaxListeners(0, signal); // many calls share one
      signal?.addEventListener('abort', leave, { once: true });
      call.result.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave));
    });
  }

  private begin(key: string, work: (signal: AbortSignal) => Promise<T>): Call<T> {
    const abort = new AbortController();
    const result = work(abort.signal);
    const call = { result, abort, waiting: 0 };
    this.underWay.set(key, call);
    const end = () => this.forget(key, call);
    result.then(end, end);
    return call;
  }

  private cancel(key: string, call: Call<T>, reason: unknown): void {
    this.forget(key, call);
    call.abort.abort(reason);
  }

  /** Another call of the same key may have been begun since. */
  private forget(key: string, call: Call<T>): void {
    if (this.underWay.get(key) === call) this.underWay.delete(key);
  }
}
