import type { RandomStream } from '@thinkrl/spec';
import { GRID, rowOf } from './grid.ts';
import type { Cells } from './scene.ts';
import { EMPTY, SHAPES, TEMPLATES, templatesOf } from './template.ts';

/**
 * A scene while it is being laid out. Rules place their things and reserve the cells that their meaning depends on:
 * nothing else may come to stand there, before or after any plan, so no rule can spoil another.
 */
export class Board {
  private readonly things: number[] = new Array<number>(GRID.cells).fill(EMPTY);
  private readonly reserved: boolean[] = new Array<boolean>(GRID.cells).fill(false);

  /** The scene as laid out so far. */
  get cells(): Cells {
    return this.things.slice();
  }

  /** Whether a cell is empty and not reserved. */
  isFree(cell: number): boolean {
    return this.things[cell] === EMPTY && !this.reserved[cell];
  }

  /** Whether any cell holds a thing with one of these nouns. */
  has(...nouns: readonly string[]): boolean {
    return this.things.some((id) => nouns.includes(TEMPLATES[id]!.noun));
  }

  /** Puts a thing into a cell. */
  place(cell: number, thing: number): void {
    this.things[cell] = thing;
  }

  /** Keeps everything placed later out of these cells. */
  reserve(cells: readonly number[]): void {
    for (const cell of cells) this.reserved[cell] = true;
  }

  /** The free cells that pass the test, ascending. */
  freeCells(test: (cell: number) => boolean = () => true): readonly number[] {
    const free: number[] = [];
    for (let cell = 0; cell < GRID.cells; cell++) if (this.isFree(cell) && test(cell)) free.push(cell);
    return free;
  }

  /** A random free row, 0 to 3; undefined when none is wholly free. */
  freeRow(stream: RandomStream): number | undefined {
    const rows = [0, 1, 2, 3].filter(
      (row) => this.freeCells((cell) => rowOf(cell) === row).length === GRID.columns,
    );
    return pickOne(rows, stream);
  }

  /** A plain shape that is not on the board yet, so that its name is unique; undefined when all are. */
  newShape(stream: RandomStream, nouns: readonly string[] = SHAPES): number | undefined {
    const unused = nouns.flatMap(templatesOf).filter((id) => !this.things.includes(id));
    return pickOne(unused, stream);
  }
}

/** One item of a list at random, undefined of an empty one. */
export function pickOne<T>(items: readonly T[], stream: RandomStream): T | undefined {
  return items.length === 0 ? undefined : stream.pick(items);
}
