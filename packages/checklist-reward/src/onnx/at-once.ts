import { limitFunction } from 'p-limit';
import type { CallOptions } from '../judge.ts';

/** Answers a list of requests in order. */
export type Answered<Request, Reply> = (
  requests: readonly Request[],
  call?: CallOptions,
) => Promise<readonly Reply[]>;

/** Answers requests one by one, at most `width` of them at once over all calls; those not begun end with the signal. */
export function atOnce<Request, Reply>(
  width: number,
  answer: (request: Request, call: CallOptions) => Promise<Reply>,
): Answered<Request, Reply> {
  const one = limitFunction(
    async (request: Request, call: CallOptions) => {
      call.signal?.throwIfAborted();
      return answer(request, call);
    },
    { concurrency: width },
  );
  return (requests, call = {}) => Promise.all(requests.map((request) => one(request, call)));
}

/** The signal alone, for calls that must not be given an undefined one. */
export function signalOf({ signal }: CallOptions): CallOptions {
  return signal === undefined ? {} : { signal };
}
