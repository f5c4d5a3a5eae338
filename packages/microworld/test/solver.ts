import { type Cells, TEMPLATES } from '../src/index.ts';

/*
 * A second implementation of the 16 rules: it reads nothing but the instruction and the scene, as an editor does, and
 * works on names in a 4 x 4 table.
 */

type Table = string[][];

const EMPTY_NAME = 'empty cell';
const NUMBERS = 'zero one two three four five six seven eight nine'.split(' ');
const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  left: [0, -1],
  right: [0, 1],
  up: [-1, 0],
  above: [-1, 0],
  down: [1, 0],
  below: [1, 0],
};

function tableOf(cells: Cells): Table {
  const names = cells.map((id) => `${TEMPLATES[id]!.attribute} ${TEMPLATES[id]!.noun}`);
  return [0, 1, 2, 3].map((row) => names.slice(row * 4, row * 4 + 4));
}

function find(table: Table, wanted: (name: string) => boolean): [number, number] {
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 4; column++) if (wanted(table[row]![column]!)) return [row, column];
  throw new Error('no such thing in the scene');
}

const called = (table: Table, name: string) => find(table, (other) => other === name);
const ofKind = (table: Table, noun: string) => find(table, (name) => name.endsWith(` ${noun}`));

function move(table: Table, from: readonly [number, number], to: readonly [number, number]): void {
  const thing = table[from[0]]![from[1]]!;
  table[from[0]]![from[1]] = EMPTY_NAME;
  table[to[0]]![to[1]] = thing;
}

/** Moves a thing step by step while the next cell is empty. */
function slide(table: Table, from: readonly [number, number], direction: string): void {
  const [rows, columns] = STEPS[direction]!;
  let [row, column] = from;
  while (table[row + rows]?.[column + columns] === EMPTY_NAME) {
    row += rows;
    column += columns;
  }
  move(table, from, [row, column]);
}

function advance(table: Table, states: readonly string[], steps: number): void {
  const [row, column] = find(table, (name) => states.includes(name));
  const now = states.indexOf(table[row]![column]!);
  table[row]![column] = states[Math.min(states.length - 1, now + steps)]!;
}

type Solve = (table: Table, text: string, match: RegExpMatchArray) => void;

const steps = (text: string, words: readonly string[]) => 1 + words.findIndex((word) => text.includes(word));

function fillRow(table: Table): { readonly row: string[]; readonly gap: number } {
  const [line, gap] = called(table, 'blank slot');
  return { row: table[line]!, gap };
}

const SOLVERS: readonly (readonly [RegExp, Solve])[] = [
  [
    /candle/,
    (table, text) =>
      advance(
        table,
        ['tall candle', 'mid candle', 'low candle', 'out candle'],
        steps(text, ['one hour', 'two hours', 'three hours']),
      ),
  ],
  [
    /ice/,
    (table, text) =>
      advance(table, ['big ice', 'small ice', 'water puddle'], /all day|a lot/.test(text) ? 2 : 1),
  ],
  [
    /apple/,
    (table, text) => {
      const three = /three weeks|month/.test(text);
      const count = three ? 3 : text.includes('two weeks') ? 2 : 1;
      advance(table, ['green apple', 'yellow apple', 'red apple', 'brown apple'], count);
    },
  ],
  [
    /plant/,
    (table, text) =>
      advance(table, ['seed plant', 'sprout plant', 'flower plant'], /days/.test(text) ? 1 : 2),
  ],
  [
    /arrow/,
    (table, text) => {
      const clockwise = ['up arrow', 'right arrow', 'down arrow', 'left arrow'];
      const quarters = /around/.test(text) ? 2 : /back|counter/.test(text) ? 3 : 1;
      const [row, column] = ofKind(table, 'arrow');
      table[row]![column] = clockwise[(clockwise.indexOf(table[row]![column]!) + quarters) % 4]!;
    },
  ],
  [
    /push (?:the )?(\w+ ball) (\w+)|the (\w+ ball) is pushed (\w+)/,
    (table, _, [, ball, direction, other, way]) =>
      slide(table, called(table, (ball ?? other)!), (direction ?? way)!),
  ],
  [
    /magnet/,
    (table) => {
      const [row, column] = ofKind(table, 'nail');
      const [toRow, toColumn] = ofKind(table, 'magnet');
      const direction = row === toRow ? (column > toColumn ? 'left' : 'right') : row > toRow ? 'up' : 'down';
      slide(table, [row, column], direction);
    },
  ],
  [
    /brick (?:under|below) the (\w+ \w+)/,
    (table, _, [, thing]) => {
      const [row, column] = called(table, thing!);
      if (table[row + 1]![column] !== 'brown brick') throw new Error('no brick below');
      table[row + 1]![column] = EMPTY_NAME;
      slide(table, [row, column], 'down');
    },
  ],
  [
    /glass .*(left|right)/,
    (table, _, [, side]) => {
      const [row, column] = called(table, 'full glass');
      table[row]![column] = 'fallen glass';
      table[row]![column + STEPS[side!]![1]] = 'water puddle';
    },
  ],
  [
    /(\w+ (?:ball|box|tri)).* (left to right|upside down)/,
    (table, _, [, thing, way]) => {
      const [row, column] = called(table, thing!);
      move(table, [row, column], way === 'upside down' ? [3 - row, column] : [row, 3 - column]);
    },
  ],
  [
    /the (\w+ \w+) just (left|right|above|below)(?: of)? the (\w+ \w+)/,
    (table, _, [, thing, side, anchor]) => {
      const [row, column] = called(table, anchor!);
      const [rows, columns] = STEPS[side!]!;
      move(table, called(table, thing!), [row + rows, column + columns]);
    },
  ],
  [
    /the (\w+ \w+) (?:and|with) the (\w+ \w+)/,
    (table, _, [, left, right]) => {
      const first = called(table, left!);
      const second = called(table, right!);
      table[first[0]]![first[1]] = right!;
      table[second[0]]![second[1]] = left!;
    },
  ],
  [
    /pattern/,
    (table) => {
      const { row, gap } = fillRow(table);
      row[gap] = row[(gap + 2) % 4]!;
    },
  ],
  [
    /shape/,
    (table) => {
      const shapes = table.flat().filter((name) => /ball|box|tri/.test(name));
      const alone = shapes.find(
        (name) => shapes.filter((other) => other.split(' ')[1] === name.split(' ')[1]).length === 1,
      );
      const [row, column] = called(table, alone!);
      table[row]![column] = EMPTY_NAME;
    },
  ],
  [
    /sum/,
    (table) => {
      const { row, gap } = fillRow(table);
      const value = (column: number) => NUMBERS.indexOf(row[column]!.split(' ')[0]!);
      row[gap] = `${NUMBERS[value(0) + value(2)]} digit`;
    },
  ],
  [
    /digits/,
    (table) => {
      const row = table.find((names) => names.some((name) => name.endsWith('digit')))!;
      const columns = [0, 1, 2, 3].filter((column) => row[column]!.endsWith('digit'));
      const values = columns
        .map((column) => NUMBERS.indexOf(row[column]!.split(' ')[0]!))
        .sort((a, b) => a - b);
      columns.forEach((column, index) => {
        row[column] = `${NUMBERS[values[index]!]} digit`;
      });
    },
  ],
];

/** Which rules hold a phrase together with "and" inside. */
const JOINED = /^(the \w+ \w+ and the \w+ \w+ trade places)(?: and (.*))?$/;

function clausesOf(instruction: string): readonly string[] {
  const joined = instruction.match(JOINED);
  if (joined !== null) return joined.slice(1).filter((clause) => clause !== undefined);
  return instruction.split(' and ');
}

/** The names in the 16 cells once the instruction is carried out. */
export function solve(instruction: string, cells: Cells): readonly string[] {
  const table = tableOf(cells);
  for (const clause of clausesOf(instruction)) {
    const found = SOLVERS.map(([pattern, run]) => ({ match: clause.match(pattern), run })).find(
      ({ match }) => match !== null,
    );
    if (found === undefined) throw new Error(`cannot read: ${clause}`);
    found.run(table, clause, found.match!);
  }
  return table.flat();
}
