import { GRID } from './grid.ts';
import { BACKGROUNDS, COLOURS, type Colour, INKS } from './palette.ts';
import { digitSprite, SPRITES, type Sprite, turnSprite } from './sprite.ts';

/** What can be in a cell. Every template is named by exactly two words, attribute and noun. */
export interface Template {
  readonly id: number;
  readonly attribute: string;
  readonly noun: string;
}

interface Drawing {
  readonly attribute: string;
  readonly noun: string;
  readonly sprite: Sprite;
  readonly colour: Colour;
}

/** The words for one to nine, in order. */
export const NUMBER_WORDS: readonly string[] = 'one two three four five six seven eight nine'.split(' ');

/** The plain shapes that bystanders and most rules use. */
export const SHAPES: readonly string[] = ['ball', 'box', 'tri'];

const BLACK = INKS.k!;
const APPLE_COLOURS: Readonly<Record<string, Colour>> = {
  green: COLOURS.green,
  yellow: COLOURS.yellow,
  red: COLOURS.red,
  brown: INKS.n!,
};

function draw(name: string, sprite: Sprite, colour: Colour = BLACK): Drawing {
  const [attribute, noun] = name.split(' ');
  return { attribute: attribute!, noun: noun!, sprite, colour };
}

function drawings(): readonly Drawing[] {
  const left = turnSprite(SPRITES.upArrow);
  const down = turnSprite(left);
  const shapes = { ball: SPRITES.ball, box: SPRITES.box, tri: SPRITES.tri };
  return [
    ...Object.entries(shapes).flatMap(([noun, sprite]) =>
      Object.entries(COLOURS).map(([name, colour]) => draw(`${name} ${noun}`, sprite, colour)),
    ),
    draw('tall candle', SPRITES.tallCandle),
    draw('mid candle', SPRITES.midCandle),
    draw('low candle', SPRITES.lowCandle),
    draw('out candle', SPRITES.outCandle),
    draw('big ice', SPRITES.bigIce),
    draw('small ice', SPRITES.smallIce),
    draw('water puddle', SPRITES.puddle),
    ...Object.entries(APPLE_COLOURS).map(([name, colour]) => draw(`${name} apple`, SPRITES.apple, colour)),
    draw('seed plant', SPRITES.seedPlant),
    draw('sprout plant', SPRITES.sproutPlant),
    draw('flower plant', SPRITES.flowerPlant),
    draw('up arrow', SPRITES.upArrow),
    draw('left arrow', left),
    draw('down arrow', down),
    draw('right arrow', turnSprite(down)),
    draw('iron magnet', SPRITES.magnet),
    draw('iron nail', SPRITES.nail),
    draw('full glass', SPRITES.fullGlass),
    draw('fallen glass', SPRITES.fallenGlass),
    draw('plus sign', SPRITES.plus),
    draw('blank slot', SPRITES.slot),
    draw('brown brick', SPRITES.brick),
    ...NUMBER_WORDS.map((word, index) => draw(`${word} digit`, digitSprite(index + 1))),
  ];
}

const EMPTY_DRAWING = draw(
  'empty cell',
  Array.from({ length: 8 }, () => '........'),
);
const DRAWINGS: readonly Drawing[] = [EMPTY_DRAWING, ...drawings()];

/** The 53 templates; `TEMPLATES[id].id === id`. */
export const TEMPLATES: readonly Template[] = DRAWINGS.map(({ attribute, noun }, id) => ({
  id,
  attribute,
  noun,
}));

/** Id of the empty cell. */
export const EMPTY = 0;

const IDS: ReadonlyMap<string, number> = new Map(
  TEMPLATES.map(({ id, attribute, noun }) => [`${attribute} ${noun}`, id]),
);

/** The id of the template with this two-word name, undefined if there is none. */
export function findTemplate(attribute: string, noun: string): number | undefined {
  return IDS.get(`${attribute} ${noun}`);
}

/** The id of a two-word name that is known to exist; RangeError otherwise. */
export function templateId(name: string): number {
  const id = IDS.get(name);
  if (id === undefined) throw new RangeError(`no template is called ${name}`);
  return id;
}

/** The two-word name of a template. */
export function templateName(id: number): string {
  const { attribute, noun } = TEMPLATES[id]!;
  return `${attribute} ${noun}`;
}

const BY_NOUN: ReadonlyMap<string, readonly number[]> = new Map(
  [...new Set(TEMPLATES.map(({ noun }) => noun))].map((noun) => [
    noun,
    TEMPLATES.filter((template) => template.noun === noun).map(({ id }) => id),
  ]),
);

/** Ids of every template with this noun. */
export function templatesOf(noun: string): readonly number[] {
  return BY_NOUN.get(noun) ?? [];
}

function paint(drawing: Drawing, background: Colour, out: Float32Array): void {
  drawing.sprite.forEach((line, row) => {
    Array.from(line).forEach((letter, column) => {
      const colour = letter === '.' ? background : letter === 'X' ? drawing.colour : INKS[letter]!;
      out.set(colour, (row * GRID.cellSize + column) * 3);
    });
  });
}

function paintAll(): Float32Array {
  const pixels = new Float32Array(BACKGROUNDS.length * DRAWINGS.length * GRID.cellNumbers);
  BACKGROUNDS.forEach((background, b) => {
    DRAWINGS.forEach((drawing, id) => {
      const start = (b * DRAWINGS.length + id) * GRID.cellNumbers;
      paint(drawing, background, pixels.subarray(start, start + GRID.cellNumbers));
    });
  });
  return pixels;
}

/** Every template on every background: `[4 backgrounds][53 templates][192 numbers]`, values in [0, 1]. */
export const TEMPLATE_PIXELS: Float32Array = paintAll();

/** Start of one template's 192 numbers in {@link TEMPLATE_PIXELS}. */
export function templateOffset(background: number, id: number): number {
  return (background * TEMPLATES.length + id) * GRID.cellNumbers;
}
