import type { Image } from '@thinkrl/spec';
import { LETTER, letterDot } from './font.ts';

/** One row of a contact sheet: pictures of one size side by side, text to their right. */
export interface SheetRow {
  readonly images: readonly Image[];
  /** Lines are wrapped; `\n` starts a new one. */
  readonly text: string;
}

/** Settings of {@link contactSheet}. */
export interface SheetOptions {
  /** Pixels of the sheet per pixel of a picture; default 3. */
  readonly scale?: number;
  /** Room for text, letters per line; default 72. */
  readonly letters?: number;
}

const GAP = 6;
const WHITE = 1;
const BLACK = 0.1;

/**
 * Rows of pictures with text beside them on white, for example reference, first edit, final edit and truth.
 *
 * @example
 * const sheet = contactSheet([{ images: [task.references[0]], text: task.instruction }]);
 */
export function contactSheet(rows: readonly SheetRow[], options: SheetOptions = {}): Image {
  const { scale = 3, letters = 72 } = options;
  const texts = rows.map((row) => wrap(row.text, letters));
  const pictureWidths = rows.map((row) =>
    row.images.reduce((sum, image) => sum + image.width * scale + GAP, 0),
  );
  const heights = rows.map((row, index) => {
    const tallest = Math.max(0, ...row.images.map((image) => image.height * scale));
    return Math.max(tallest, texts[index]!.length * LETTER.line) + GAP;
  });
  const textLeft = Math.max(0, ...pictureWidths) + GAP;
  const sheet = blank(
    textLeft + letters * LETTER.advance,
    heights.reduce((sum, height) => sum + height, GAP),
  );
  let top = GAP;
  rows.forEach((row, index) => {
    let left = GAP;
    for (const image of row.images) {
      paste(sheet, image, { left, top, scale });
      left += image.width * scale + GAP;
    }
    texts[index]!.forEach((line, number) => {
      write(sheet, line, { left: textLeft, top: top + number * LETTER.line });
    });
    top += heights[index]!;
  });
  return sheet;
}

function blank(width: number, height: number): Image {
  return { width, height, data: new Float32Array(width * height * 3).fill(WHITE) };
}

interface Place {
  readonly left: number;
  readonly top: number;
}

function paste(sheet: Image, image: Image, place: Place & { readonly scale: number }): void {
  const { left, top, scale } = place;
  for (let y = 0; y < image.height * scale; y++)
    for (let x = 0; x < image.width * scale; x++) {
      const from = (Math.floor(y / scale) * image.width + Math.floor(x / scale)) * 3;
      const to = ((top + y) * sheet.width + left + x) * 3;
      for (let channel = 0; channel < 3; channel++) sheet.data[to + channel] = image.data[from + channel]!;
    }
}

function write(sheet: Image, line: string, place: Place): void {
  Array.from(line).forEach((letter, index) => {
    const left = place.left + index * LETTER.advance;
    for (let row = 0; row < LETTER.line - 1; row++)
      for (let column = 0; column < LETTER.width; column++)
        if (letterDot(letter, column, row)) {
          const at = ((place.top + row) * sheet.width + left + column) * 3;
          sheet.data.fill(BLACK, at, at + 3);
        }
  });
}

function wrap(text: string, letters: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines = [''];
    for (const word of paragraph.split(' ')) {
      const line = lines.at(-1)!;
      const longer = line === '' ? word : `${line} ${word}`;
      if (longer.length <= letters) lines[lines.length - 1] = longer;
      else lines.push(word.slice(0, letters));
    }
    return lines;
  });
}
