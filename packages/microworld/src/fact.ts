import { CELL_NAMES, GRID } from './grid.ts';
import type { Cells } from './scene.ts';
import { EMPTY, TEMPLATES, templateName } from './template.ts';

/** Something that is true of the right picture; every question of a checklist asks for one. */
export type Fact =
  | { readonly kind: 'empty'; readonly cell: number }
  | { readonly kind: 'noun'; readonly cell: number; readonly noun: string }
  | { readonly kind: 'thing'; readonly cell: number; readonly thing: number }
  /** Every one of these cells differs from the reference. */
  | { readonly kind: 'changed'; readonly cells: readonly number[] }
  | { readonly kind: 'count'; readonly count: number }
  /** Every cell but these is as in the reference. */
  | { readonly kind: 'others'; readonly cells: readonly number[] }
  /** At least one cell differs from the reference. */
  | { readonly kind: 'edited' };

/** Whether a fact holds of what was `seen` in an edited picture; a spoilt cell is something, but no template. */
export function factHolds(fact: Fact, seen: Cells, reference: Cells): boolean {
  switch (fact.kind) {
    case 'empty':
      return seen[fact.cell] === EMPTY;
    case 'noun':
      return TEMPLATES[seen[fact.cell]!]?.noun === fact.noun;
    case 'thing':
      return seen[fact.cell] === fact.thing;
    case 'changed':
      return fact.cells.every((cell) => seen[cell] !== reference[cell]);
    case 'count':
      return seen.filter((id) => id !== EMPTY).length === fact.count;
    case 'others':
      return seen.every((id, cell) => id === reference[cell] || fact.cells.includes(cell));
    case 'edited':
      return seen.some((id, cell) => id !== reference[cell]);
  }
}

/** A name for the question about a fact, unique within a checklist. */
export function factId(fact: Fact): string {
  return 'cell' in fact ? `${fact.kind}-${CELL_NAMES[fact.cell]}` : fact.kind;
}

/** The question whose right answer is yes. */
export function factQuestion(fact: Fact): string {
  switch (fact.kind) {
    case 'empty':
      return `Is ${CELL_NAMES[fact.cell]} empty now?`;
    case 'noun':
      return `Is ${withArticle(fact.noun)} at ${CELL_NAMES[fact.cell]}?`;
    case 'thing':
      return `Is ${thingPhrase(fact.thing)} at ${CELL_NAMES[fact.cell]}?`;
    case 'changed':
      return `Did ${cellList(fact.cells, 'and')} change?`;
    case 'count':
      return `Is the number of objects ${fact.count}?`;
    case 'others':
      return 'Is everything else as before?';
    case 'edited':
      return 'Was anything in the picture changed?';
  }
}

/** The same question turned round: its right answer is no. */
export function oppositeQuestion(fact: Fact): string {
  switch (fact.kind) {
    case 'empty':
      return `Is there still anything at ${CELL_NAMES[fact.cell]}?`;
    case 'noun':
      return `Is ${withArticle(fact.noun)} missing at ${CELL_NAMES[fact.cell]}?`;
    case 'thing':
      return `Is ${thingPhrase(fact.thing)} missing at ${CELL_NAMES[fact.cell]}?`;
    case 'changed':
      return `Is ${cellList(fact.cells, 'or')} as it was before?`;
    case 'count':
      return `Is the number of objects other than ${fact.count}?`;
    case 'others':
      return 'Did anything else change?';
    case 'edited':
      return 'Is the whole picture as it was before?';
  }
}

function cellList(cells: readonly number[], join: 'and' | 'or'): string {
  const names = cells.map((cell) => CELL_NAMES[cell]!);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} ${join} ${names.at(-1)}`;
}

function thingPhrase(thing: number): string {
  const { attribute, noun } = TEMPLATES[thing]!;
  return noun === 'digit' ? `the digit ${attribute}` : withArticle(templateName(thing));
}

function withArticle(words: string): string {
  if (words.endsWith('ice')) return words;
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}

/** Number of things in a scene. */
export function countThings(cells: Cells): number {
  let count = 0;
  for (let cell = 0; cell < GRID.cells; cell++) count += Number(cells[cell] !== EMPTY);
  return count;
}
