import type { Unit } from './unit.ts';

/**
 * Sends for the unit that was needed next in the last step, which is the one that will be needed next in this. A step that
 * goes another way than the last is followed, not foreseen.
 */
export class Prefetcher {
  private last: readonly Unit[] = [];
  private present: Unit[] = [];
  private foreseen = true;

  /** Begins a step. */
  begin(): void {
    this.last = this.present;
    this.present = [];
    this.foreseen = true;
  }

  /** A unit was gathered. */
  gathered(unit: Unit): void {
    const position = this.present.push(unit) - 1;
    this.foreseen &&= this.last[position] === unit;
    if (this.foreseen) this.last[position + 1]?.prefetch();
  }
}
