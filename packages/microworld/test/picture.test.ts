import { Key } from '@thinkrl/spec';
import fc from 'fast-check';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import {
  CELL_NAMES,
  cellDifferences,
  contactSheet,
  encodePng,
  findTemplate,
  GRID,
  imageOfCells,
  PictureSizeError,
  RECOGNITION_LIMIT,
  readPicture,
  renderScene,
  SPOILT,
  TEMPLATE_PIXELS,
  TEMPLATES,
  templateName,
  templateOffset,
  writeCells,
} from '../src/index.ts';

const thing = fc.integer({ min: 0, max: 52 });
const scene = fc.record({
  cells: fc.array(thing, { minLength: 16, maxLength: 16 }),
  background: fc.integer({ min: 0, max: 3 }),
});

/** The nearest template by comparing all of them, in [-1, 1]. */
function bruteForce(numbers: Float32Array, background: number) {
  const errors = TEMPLATES.map(({ id }) => {
    const start = templateOffset(background, id);
    return numbers.reduce((sum, value, i) => sum + (2 * (value - TEMPLATE_PIXELS[start + i]!)) ** 2, 0) / 192;
  });
  const error = Math.min(...errors);
  return { id: errors.indexOf(error), error };
}

describe('templates', () => {
  it('are 53, each with a name of two words', () => {
    expect(TEMPLATES).toHaveLength(53);
    expect(new Set(TEMPLATES.map(({ id }) => templateName(id))).size).toBe(53);
    expect(templateName(0)).toBe('empty cell');
    expect(TEMPLATE_PIXELS).toHaveLength(4 * 53 * 192);
    expect(TEMPLATE_PIXELS.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it('differ on every background by more than the recognition limit', () => {
    let closest = Number.POSITIVE_INFINITY;
    for (let background = 0; background < 4; background++)
      for (let left = 0; left < 53; left++)
        for (let right = 0; right < left; right++) {
          const start = [left, right].map((id) => templateOffset(background, id));
          let sum = 0;
          for (let i = 0; i < 192; i++)
            sum += (2 * (TEMPLATE_PIXELS[start[0]! + i]! - TEMPLATE_PIXELS[start[1]! + i]!)) ** 2;
          closest = Math.min(closest, sum / 192);
        }
    expect(closest).toBeGreaterThan(0.06);
    expect(closest).toBeGreaterThan(RECOGNITION_LIMIT);
  });
});

describe('renderScene', () => {
  it('puts the right colours at the right pixels', () => {
    const cells = new Array<number>(16).fill(0).with(6, findTemplate('red', 'ball')!);
    const { data } = renderScene({ cells, background: 1 });
    const pixel = (x: number, y: number) => Array.from(data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3));
    // c2 is column 2, row 1: pixels 16..23 across, 8..15 down. Middle of the ball, its highlight, a corner, elsewhere.
    expect(pixel(20, 12)).toEqual(Array.from(Float32Array.of(0.85, 0.12, 0.12)));
    expect(pixel(18, 10)).toEqual([1, 1, 1]);
    expect(pixel(16, 8)).toEqual(Array.from(Float32Array.of(0.8, 0.89, 0.97)));
    expect(pixel(0, 31)).toEqual(Array.from(Float32Array.of(0.8, 0.89, 0.97)));
  });

  it('lays cells out as the name table says', () => {
    expect(CELL_NAMES).toEqual('a1 b1 c1 d1 a2 b2 c2 d2 a3 b3 c3 d3 a4 b4 c4 d4'.split(' '));
  });

  it('goes into cells and back', () => {
    fc.assert(
      fc.property(scene, (one) => {
        const image = renderScene(one);
        const numbers = new Float32Array(10 + 16 * 192);
        writeCells(image, numbers, 10);
        one.cells.forEach((id, cell) => {
          const start = templateOffset(one.background, id);
          const own = numbers.subarray(10 + cell * 192, 10 + (cell + 1) * 192);
          expect(own).toEqual(TEMPLATE_PIXELS.subarray(start, start + 192));
        });
        expect(imageOfCells(numbers, 10)).toEqual(image);
      }),
      { numRuns: 20 },
    );
  });
});

describe('readPicture', () => {
  it('reads every scene exactly', () => {
    fc.assert(
      fc.property(scene, (one) => {
        const reading = readPicture(renderScene(one), one.background);
        expect(reading.cells).toEqual(one.cells);
        expect(reading.errors.every((error) => error === 0)).toBe(true);
      }),
    );
  });

  it('gives what comparing with every template gives, at any noise', () => {
    fc.assert(
      fc.property(
        scene,
        fc.integer(),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        (one, seed, deviation) => {
          const stream = Key.of(Math.abs(seed)).stream();
          const clean = renderScene(one);
          const image = { ...clean, data: clean.data.map((value) => value + deviation * stream.normal()) };
          const numbers = new Float32Array(16 * 192);
          writeCells(image, numbers);
          const reading = readPicture(image, one.background);
          for (let cell = 0; cell < GRID.cells; cell++) {
            const best = bruteForce(numbers.subarray(cell * 192, (cell + 1) * 192), one.background);
            expect(reading.errors[cell]).toBeCloseTo(Math.sqrt(best.error), 5);
            if (Math.abs(best.error - RECOGNITION_LIMIT) > 1e-5)
              expect(reading.cells[cell]).toBe(best.error <= RECOGNITION_LIMIT ? best.id : SPOILT);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses another size', () => {
    const small = { width: 2, height: 2, data: new Float32Array(12) };
    expect(() => readPicture(small, 0)).toThrow(PictureSizeError);
    expect(() => writeCells(small, new Float32Array(3072))).toThrow('2 x 2');
  });
});

describe('cellDifferences', () => {
  it('is the root mean square on the [-1, 1] scale', () => {
    const black = { width: 32, height: 32, data: new Float32Array(3072) };
    const spot = { ...black, data: black.data.slice() };
    // Cell b1, one pixel white: 3 of 192 numbers differ by 2 on the [-1, 1] scale: sqrt(3 * 4 / 192) = 0.25.
    spot.data.fill(1, 8 * 3, 9 * 3);
    expect(cellDifferences(spot, black)).toEqual([0, 0.25, ...new Array(14).fill(0)]);
  });
});

describe('pictures for people', () => {
  it('encodes PNG files that other readers read', () => {
    const image = renderScene({ cells: Array.from({ length: 16 }, (_, i) => i + 20), background: 2 });
    const png = decode(encodePng(image));
    expect([png.width, png.height, png.channels, png.depth]).toEqual([32, 32, 3, 8]);
    expect(Array.from(png.data)).toEqual(Array.from(image.data, (value) => Math.round(value * 255)));
  });

  it('puts pictures side by side and text beside them', () => {
    const white = { width: 2, height: 2, data: new Float32Array(12).fill(1) };
    const red = { ...white, data: Float32Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? 1 : 0)) };
    const sheet = contactSheet([{ images: [white, red], text: 'I\nab cd' }], { scale: 4, letters: 3 });
    // Pictures are 8 wide with gaps of 6: the red one starts at 6 + 8 + 6 = 20; text at 28 + 6 (gap) = 34.
    const at = (x: number, y: number) =>
      Array.from(sheet.data.subarray((y * sheet.width + x) * 3, (y * sheet.width + x) * 3 + 3));
    expect(at(19, 6)).toEqual([1, 1, 1]);
    expect([at(20, 6), at(27, 13), at(28, 13)]).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [1, 1, 1],
    ]);
    // The upper-case I has its stem in the third of five columns, seven rows high.
    const stem = Array.from({ length: 8 }, (_, row) => at(34 + 2, 6 + row)[0]! < 0.5);
    expect(stem).toEqual([true, true, true, true, true, true, true, false]);
    // Three lines of 9 pixels ("I", "ab", "cd") are higher than the pictures.
    expect([sheet.width, sheet.height]).toEqual([34 + 3 * 6, 6 + 3 * 9 + 6]);
  });
});
