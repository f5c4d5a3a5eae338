/** Eight strings of eight letters, see `INKS`. */
export type Sprite = readonly string[];

/** Drawings of the things, 8 x 8 letters each. */
export const SPRITES = {
  ball: ['........', '..XXXX..', '.XwXXXX.', '.XXXXXX.', '.XXXXXX.', '.XXXXXX.', '..XXXX..', '........'],
  box: ['........', '.XXXXXX.', '.XwwwwX.', '.XXXXXX.', '.XXXXXX.', '.XXXXXX.', '.XXXXXX.', '........'],
  tri: ['........', '...XX...', '...XX...', '..XXXX..', '..XXXX..', '.XXXXXX.', '.XXXXXX.', '........'],
  apple: ['....n...', '...n.e..', '..XXXX..', '.XXXXXX.', '.XwXXXX.', '.XXXXXX.', '..XXXX..', '........'],
  tallCandle: [
    '...yf...',
    '...ff...',
    '..cccc..',
    '..cccc..',
    '..cccc..',
    '..cccc..',
    '..cccc..',
    '..gggg..',
  ],
  midCandle: ['........', '........', '...yf...', '...ff...', '..cccc..', '..cccc..', '..cccc..', '..gggg..'],
  lowCandle: ['........', '........', '........', '........', '...yf...', '...ff...', '..cccc..', '..gggg..'],
  outCandle: ['........', '........', '........', '........', '........', '...k....', '..cccc..', '..gggg..'],
  bigIce: ['........', '.iiiiii.', '.iwwiii.', '.iwiiii.', '.iiiiii.', '.iiiiii.', '.iiiiii.', '.iiiiii.'],
  smallIce: ['........', '........', '........', '........', '..iiii..', '..iwii..', '..iiii..', '..iiii..'],
  puddle: ['........', '........', '........', '........', '........', '........', '.uuuuuu.', 'uuuuuuuu'],
  seedPlant: ['........', '........', '........', '........', '...n....', '.tttttt.', '..tttt..', '..tttt..'],
  sproutPlant: [
    '........',
    '........',
    '..e.e...',
    '...e....',
    '...e....',
    '.tttttt.',
    '..tttt..',
    '..tttt..',
  ],
  flowerPlant: [
    '..ppp...',
    '..pyp...',
    '..ppp...',
    '...e....',
    '..ee....',
    '.tttttt.',
    '..tttt..',
    '..tttt..',
  ],
  upArrow: ['...kk...', '..kkkk..', '.kkkkkk.', '...kk...', '...kk...', '...kk...', '...kk...', '........'],
  magnet: ['.rrrrrr.', '.rrrrrr.', '.rr..rr.', '.rr..rr.', '.rr..rr.', '.rr..rr.', '.oo..oo.', '.oo..oo.'],
  nail: ['........', '..gggg..', '...gg...', '...gg...', '...gg...', '...gg...', '...g....', '........'],
  fullGlass: ['........', '.o....o.', '.ouuuuo.', '.ouuuuo.', '.ouuuuo.', '.ouuuuo.', '.oooooo.', '........'],
  fallenGlass: [
    '........',
    '........',
    '.ooooooo',
    '.o......',
    '.o......',
    '.o......',
    '.ooooooo',
    '........',
  ],
  plus: ['........', '...kk...', '...kk...', '.kkkkkk.', '.kkkkkk.', '...kk...', '...kk...', '........'],
  slot: ['gg.gg.gg', 'g......g', '........', 'g......g', 'g......g', '........', 'g......g', 'gg.gg.gg'],
  brick: ['bbbdbbbb', 'bbbdbbbb', 'dddddddd', 'bdbbbbdb', 'bdbbbbdb', 'dddddddd', 'bbbdbbbb', 'bbbdbbbb'],
} as const satisfies Readonly<Record<string, Sprite>>;

/** Seven-segment digits one to nine on a 3 x 5 grid, row by row. */
const DIGITS = [
  '010110010010111',
  '111001111100111',
  '111001111001111',
  '101101111001001',
  '111100111001111',
  '111100111101111',
  '111001010010010',
  '111101111101111',
  '111101111001111',
] as const;

/** Height of the five rows of a digit, pixels: 7 in all. */
const DIGIT_ROW_HEIGHTS = [1, 2, 1, 2, 1] as const;

/** A digit from 1 to 9, six pixels wide and seven high: two digits differ in at least four pixels. */
export function digitSprite(digit: number): Sprite {
  const bits = DIGITS[digit - 1]!;
  const rows = DIGIT_ROW_HEIGHTS.flatMap((height, row) => {
    const inked = Array.from(bits.slice(row * 3, row * 3 + 3), (bit) => (bit === '1' ? 'kk' : '..')).join('');
    return Array.from({ length: height }, () => `.${inked}.`);
  });
  return [...rows, '........'];
}

/** The sprite turned a quarter counterclockwise. */
export function turnSprite(sprite: Sprite): Sprite {
  return Array.from({ length: 8 }, (_, row) => sprite.map((line) => line[7 - row]).join(''));
}
