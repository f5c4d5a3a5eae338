/**
 * A sequence of numbers that repeats itself for the most part, and how it is likely to go on: as it did after its last two
 * numbers stood together before.
 *
 * @example
 * const course = new Course();
 * for (const number of [1, 2, 3, 2, 1, 2]) course.push(number);
 * course.expected(3); // [3, 2, 1]: what came after 1, 2
 */
export class Course {
  private readonly past: number[] = [];
  /** Where the second number of a pair last stood. */
  private readonly places = new Map<string, number>();
  private before: number | undefined;

  /** Another number came. */
  push(number: number): void {
    const place = this.past.push(number) - 1;
    const pair = `${this.past[place - 1]} ${number}`;
    this.before = this.places.get(pair);
    this.places.set(pair, place);
  }

  /** The next numbers, `count` or fewer. */
  expected(count: number): readonly number[] {
    if (this.before === undefined) return [];
    return this.past.slice(this.before + 1, this.before + 1 + count);
  }
}
