import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { quoteFields, quoteText, readJson, UnreadableReplyError, yesMass } from '../src/index.ts';
import { shrink } from '../src/picture.ts';

describe('quoteText', () => {
  it('is JSON of the very text, on one line, without brackets or marks', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const quoted = quoteText(text);
        expect(JSON.parse(quoted)).toBe(text);
        expect(quoted).not.toMatch(/[\n\r\u2028\u2029<>[\]{}|#`\u200b\u202e]/);
      }),
      { numRuns: 50 },
    );
    expect(quoteText('Grüße, 猫 "a"')).toBe('"Grüße, 猫 \\"a\\""');
    expect(quoteText('<|im_start|>')).toBe('"\\u003c\\u007cim_start\\u007c\\u003e"');
  });

  it('makes objects of fields', () => {
    expect(JSON.parse(quoteFields({ a: '}', b: '\n' }))).toEqual({ a: '}', b: '\n' });
  });
});

describe('readJson', () => {
  const form = z.object({ a: z.number() });
  const read = (text: string, complete = true) => readJson({ text, complete, tokens: null }, form);

  it('finds the object in what surrounds it', () => {
    for (const text of ['{"a":1}', '```json\n{"a":1}\n```', '<think>{ }</think>Here: {"a":1}.'])
      expect(read(text)).toEqual({ a: 1 });
  });

  it('refuses what is cut off, no JSON or of another form', () => {
    expect(() => read('{"a":1}', false)).toThrow('cut off');
    expect(() => read('yes')).toThrow(UnreadableReplyError);
    expect(() => read('{"a":"1"}')).toThrow('a: ');
  });
});

describe('yesMass', () => {
  it('adds spellings up and counts the token itself once', () => {
    const at = (token: string, p: number) => ({ token, logProb: Math.log(p) });
    const top = [at('Yes', 0.5), at(' yes', 0.125), at('▁no', 0.25), at('Ġmaybe', 0.0625)];
    expect(yesMass({ ...top[0]!, top })).toEqual({ yes: 0.625, no: 0.25, sum: 0.875 });
    expect(yesMass({ ...at('NO.', 0.5), top: [] })).toEqual({ yes: 0, no: 0.5, sum: 0.5 });
  });
});

describe('shrink', () => {
  it('takes means over the pixels that a new one covers', () => {
    const data = Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7].flatMap((value) => [value, value + 1, 0]));
    // 4 x 2 to 2 x 1: means of {0, 1, 4, 5} and {2, 3, 6, 7}.
    expect(shrink({ width: 4, height: 2, data }, 2)).toEqual({
      width: 2,
      height: 1,
      data: Float32Array.of(2.5, 3.5, 0, 4.5, 5.5, 0),
    });
  });
});
