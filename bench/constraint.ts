import { parseArgs } from 'node:util';
import { createTokenConstraint, jsonPattern, sampleToken, TokenVocabulary } from '@thinkrl/cot-sampler';
import { Key, type RandomStream } from '@thinkrl/spec';
import { median } from './median.ts';

const { values: options } = parseArgs({
  options: {
    tokens: { type: 'string', default: '150000' },
    texts: { type: 'string', default: '20' },
  },
});
const size = Number(options.tokens);
const END = size - 1;

/** The form of a plan, bounded as a run would bound it. */
const pattern = jsonPattern({
  type: 'object',
  properties: {
    reasoning: { type: 'string', maxLength: 400 },
    steps: { type: 'array', items: { type: 'string', maxLength: 80 }, minItems: 1, maxItems: 4 },
    instruction: { type: 'string', minLength: 1, maxLength: 200 },
    verdict: { enum: ['ok', 'fix'] },
  },
});

/** Every byte, then different words of 2 to 12 letters, every other one after a space: as long as tokens of a BPE are. */
function madeUpTokens(stream: RandomStream): readonly Uint8Array[] {
  const words = new Set<string>();
  while (words.size < size - 257) {
    const length = 2 + Math.min(stream.integer(11), stream.integer(11));
    const letters = Array.from({ length }, () => 97 + Math.floor(26 * stream.uniform() ** 2));
    words.add((stream.uniform() < 0.5 ? ' ' : '') + String.fromCharCode(...letters));
  }
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  return [...bytes, ...[...words].map((word) => new TextEncoder().encode(word)), new Uint8Array(0)];
}

const key = Key.of(1);
const tokens = madeUpTokens(key.fold('tokens').stream());
const [vocabulary, layOut] = timed(() => new TokenVocabulary(tokens, END));
const [grammar, compile] = timed(() => createTokenConstraint({ pattern, vocabulary, mostTokens: 1024 }));

const text = jsonPattern({ type: 'string' });
const largest = Array.from({ length: 10 }, () => {
  const free = createTokenConstraint({ pattern: text, vocabulary });
  return timed(() => free.allowed([34]))[1];
});

const masks = { first: [] as number[], again: [] as number[], draw: [] as number[] };
const seen = new Set<string>();
let drawn = 0;
for (const textKey of key.fold('texts').split(Number(options.texts))) {
  const stream = textKey.stream();
  const said: number[] = [];
  while (said.at(-1) !== END) {
    const before = vocabulary.textOf(said);
    const [allowed, time] = timed(() => grammar.allowed(said));
    masks[seen.has(before) ? 'again' : 'first'].push(time);
    seen.add(before);
    masks.again.push(timed(() => grammar.allowed(said))[1]);
    const logits = Float32Array.from(tokens, () => 3 * stream.uniform());
    logits[34] = 12; // texts end their strings now and then
    const [{ token }, took] = timed(() => sampleToken(logits, { temperature: 1, allowed }, stream));
    masks.draw.push(took);
    said.push(token);
    drawn += 1;
  }
  JSON.parse(vocabulary.textOf(said.slice(0, -1)));
}
console.log(
  `${size} tokens: laid out in ${ms(layOut)} ms, schema compiled in ${ms(compile)} ms; ${options.texts} texts, ${drawn} ` +
    `tokens, all parsed. Allowed tokens of a prefix: first time ${ms(median(masks.first))} ms (inside ` +
    `a free string ${ms(median(largest))}), again ${ms(median(masks.again))} ms; drawing a token ${ms(median(masks.draw))} ms`,
);

function timed<T>(work: () => T): readonly [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

function ms(value: number): string {
  return value.toFixed(3);
}
