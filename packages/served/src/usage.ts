import type { FailureReason } from './error.ts';

/** Price of a million tokens, in whatever currency. */
export interface TokenPrice {
  readonly prompt: number;
  readonly completion: number;
}

/** What a served model was asked for and what that cost, since it was made. */
export interface Usage {
  /** Requests made, each counted once however often it was tried. */
  readonly requests: number;
  /** Calls to the server. */
  readonly attempts: number;
  /** Requests that got no usable reply. */
  readonly failed: number;
  /** Attempts that failed, by reason. */
  readonly failures: Readonly<Partial<Record<FailureReason, number>>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** By the given price; 0 without one. */
  readonly cost: number;
  /** Waiting before further attempts, added up over requests, in ms. */
  readonly waited: number;
  /** Time that places for requests were free because there was nothing to ask, added up over places, in ms. */
  readonly idle: number;
}

/** Tokens of one reply as the server counts them. */
export interface TokenCount {
  readonly prompt: number;
  readonly completion: number;
}

/** Adds usage up. */
export class UsageMeter {
  private readonly price: TokenPrice;
  private readonly failures: Partial<Record<FailureReason, number>> = {};
  private readonly sums = {
    requests: 0,
    attempts: 0,
    failed: 0,
    promptTokens: 0,
    completionTokens: 0,
    waited: 0,
  };

  constructor(price: TokenPrice = { prompt: 0, completion: 0 }) {
    this.price = price;
  }

  /** Adds to one of the sums. */
  add(name: 'requests' | 'attempts' | 'failed' | 'waited', amount = 1): void {
    this.sums[name] += amount;
  }

  /** Counts an attempt that failed. */
  failure(reason: FailureReason): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }

  /** Counts the tokens of a reply, usable or not: the server charges for both. */
  tokens({ prompt, completion }: TokenCount): void {
    this.sums.promptTokens += prompt;
    this.sums.completionTokens += completion;
  }

  /** The sums so far; the gate knows how long places were free. */
  snapshot(idle: number): Usage {
    const { promptTokens, completionTokens } = this.sums;
    const cost = (promptTokens * this.price.prompt + completionTokens * this.price.completion) / 1e6;
    return { ...this.sums, failures: { ...this.failures }, cost, idle };
  }
}
