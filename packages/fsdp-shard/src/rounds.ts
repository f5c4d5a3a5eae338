import { setImmediate as nextTurn } from 'node:timers/promises';
import { dispose, type Tensor, tensor1d, zeros } from '@tensorflow/tfjs-core';
import { Course } from './course.ts';
import type { ShardingGroup } from './process-group.ts';
import type { Unit } from './unit.ts';

/**
 * Rounds in which each rank names a unit that it needs, by its number from 1, or 0 when it needs none any more. Those that
 * are named are gathered; where that is one, so are those that followed it before, without asking, each on its way while the
 * one before it computes. They are a promise: a rank that needs others, or none, takes part in gathering all of them. What
 * was named and used is known to every rank, so that all expect the same.
 */
export class Rounds {
  private readonly group: ShardingGroup;
  private readonly units: readonly Unit[];
  private readonly ahead: number;
  private readonly course = new Course();
  private expected: readonly number[] = [];
  /** What is gathered without asking, how much of it has been, and how much of that this rank has used. */
  private chain: readonly number[] = [];
  private place = 0;
  private used = 0;
  /** How long the next chain may be: it grows while chains are used to their end. */
  private length = 0;

  /** `ahead` is how many units are gathered without asking at most. */
  constructor(group: ShardingGroup, units: readonly Unit[], ahead: number) {
    this.group = group;
    this.units = units;
    this.ahead = ahead;
  }

  /** Has a unit here that this rank needs; blocks. */
  gather(unit: Unit): void {
    const number = this.units.indexOf(unit) + 1;
    const place = this.chain.indexOf(number, this.place);
    const foreseen = place >= 0;
    while (this.place < (foreseen ? place : this.chain.length)) this.pass(false);
    if (foreseen) {
      this.pass(true);
      this.used = this.place;
      return;
    }
    const own = tensor1d([number, this.used]);
    const all = zeros([2 * this.group.worldSize]);
    this.group.startAllGather(own, all).wait();
    const votes = all.dataSync();
    dispose([own, all]);
    this.serve(votes, unit);
  }

  /** Rounds in which this rank needs nothing, until no rank does; the event loop goes on between gatherings. */
  async settle(): Promise<void> {
    for (;;) {
      for (; this.place < this.chain.length; await nextTurn()) this.pass(false);
      const own = tensor1d([0, this.used]);
      const all: Tensor = await this.group.allGather(own);
      const votes = await all.data();
      dispose([own, all]);
      if (needsOf(votes).length === 0) return;
      this.serve(votes, null);
    }
  }

  /** Gathers what is next in the chain, and sends for what comes after it. */
  private pass(keep: boolean): void {
    this.unit(this.chain[this.place]!).assist(keep);
    this.place++;
    this.sendAhead();
  }

  private sendAhead(): void {
    const next = this.chain[this.place];
    if (next !== undefined) this.unit(next).sendFor();
  }

  private serve(votes: ArrayLike<number>, needed: Unit | null): void {
    const wanted = needsOf(votes);
    this.learn(wanted, Math.max(...Array.from(votes).filter((_, i) => i % 2 === 1)));
    for (const number of wanted) this.unit(number).assist(this.unit(number) === needed);
    this.chain = wanted.length === 1 ? this.expected.slice(0, this.length) : [];
    this.place = 0;
    this.used = 0;
    this.sendAhead();
  }

  /** What comes next, by what is wanted and how much of the last chain some rank has used. */
  private learn(wanted: readonly number[], used: number): void {
    const right = this.chain.length > 0 ? used === this.chain.length : this.expected[0] === wanted[0];
    this.length = right ? Math.min(this.ahead, Math.max(1, 2 * this.length)) : used;
    for (const number of [...this.chain.slice(0, used), ...wanted]) this.course.push(number);
    this.expected = this.course.expected(this.ahead);
  }

  private unit(number: number): Unit {
    return this.units[number - 1]!;
  }
}

/** The units that some ranks have named. */
function needsOf(votes: ArrayLike<number>): readonly number[] {
  const named = Array.from(votes).filter((vote, i) => i % 2 === 0 && vote > 0);
  return [...new Set(named)].sort((a, b) => a - b);
}
