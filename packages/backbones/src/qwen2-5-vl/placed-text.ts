import type { Patches } from './patches.ts';
import type { Positions } from './positions.ts';
import type { EncodedText } from './processor.ts';

/** A text in the model's tokens, with the positions it has where it stands. */
export interface PlacedText extends EncodedText {
  readonly positions: Positions;
  /** Which of the tokens stand for pictures; a sampled token of that kind does not. */
  readonly places: readonly number[];
}

const NO_PATCHES: Patches = { data: new Float32Array(0), numbers: 0, grids: [] };

/** Sampled tokens that follow each other from position `from` on. */
export function words(ids: Int32Array, from: number): PlacedText {
  const place = ids.map((_, i) => from + i);
  const positions = { time: place, row: place, column: place, next: from + ids.length };
  return { ids, patches: NO_PATCHES, positions, places: [] };
}

/** A text after the words before it. */
export function afterWords(words: PlacedText, text: PlacedText): PlacedText {
  const both = (name: 'time' | 'row' | 'column') =>
    Int32Array.from([...words.positions[name], ...text.positions[name]]);
  return {
    ids: Int32Array.from([...words.ids, ...text.ids]),
    patches: text.patches,
    positions: { time: both('time'), row: both('row'), column: both('column'), next: text.positions.next },
    places: text.places.map((place) => words.ids.length + place),
  };
}
