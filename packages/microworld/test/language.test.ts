import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyOperations,
  CELL_NAMES,
  CELL_WORD_IDS,
  type Cells,
  decodeWords,
  encodeWords,
  findTemplate,
  fixOperations,
  type Operation,
  parsePlan,
  parseReflection,
  planSteps,
  planWords,
  reflectionWords,
  SPECIAL_WORDS,
  SPOILT,
  TextTooLongError,
  UnknownWordError,
  VOCABULARY,
  wordId,
} from '../src/index.ts';

const cell = fc.integer({ min: 0, max: 15 });
const thing = fc.integer({ min: 0, max: 52 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('move' as const), from: cell, to: cell }),
  fc.record({ kind: fc.constantFrom('change' as const, 'put' as const), at: cell, thing }),
  fc.record({ kind: fc.constant('erase' as const), at: cell }),
);
const scene: fc.Arbitrary<Cells> = fc.array(thing, { minLength: 16, maxLength: 16 });

const red = findTemplate('red', 'ball')!;
const blue = findTemplate('blue', 'box')!;
const start: Cells = [red, 0, 0, 0, 0, blue, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const words = (text: string) => text.split(' ');

describe('operations', () => {
  it('follow one another', () => {
    // a1 red ball, b2 blue box: the ball goes to b2 (the box is gone), a1 gets a blue box, b2 is emptied.
    const after = applyOperations(start, [
      { kind: 'move', from: 0, to: 5 },
      { kind: 'put', at: 0, thing: blue },
      { kind: 'erase', at: 5 },
    ]);
    expect(after).toEqual([blue, ...new Array(15).fill(0)]);
    expect(start[0]).toBe(red);
  });

  it('leave a thing that moves to its own cell', () => {
    expect(applyOperations(start, [{ kind: 'move', from: 0, to: 0 }])).toEqual(start);
  });
});

describe('plans', () => {
  it('name what is in the cell at that point', () => {
    const plan: Operation[] = [
      { kind: 'move', from: 0, to: 3 },
      { kind: 'erase', at: 3 },
      { kind: 'change', at: 5, thing: red },
    ];
    const text = 'move red ball a1 d1 . erase red ball d1 . change red ball b2 .';
    expect(planWords(start, plan)).toEqual(words(text));
    expect(parsePlan(words(text))).toEqual({ ok: true, operations: plan });
    expect(planSteps(words(text))).toEqual([
      'move red ball a1 d1',
      'erase red ball d1',
      'change red ball b2',
    ]);
  });

  it('read back as what was written', () => {
    fc.assert(
      fc.property(scene, fc.array(operation, { minLength: 1, maxLength: 3 }), (cells, operations) => {
        expect(parsePlan(planWords(cells, operations))).toEqual({ ok: true, operations });
        expect(planSteps(planWords(cells, operations))).toHaveLength(operations.length);
      }),
    );
  });

  it.each([
    ['', 0, 'is no operation'],
    ['push red ball a1 .', 0, 'push is no operation'],
    ['erase red ball a1', 0, 'unfinished erase'],
    ['move red ball a1 .', 0, 'unfinished move'],
    ['put red tree a1 .', 0, 'no thing is called red tree'],
    ['put red ball e1 .', 0, 'no cell is called e1'],
    ['erase red ball a1 . . put', 5, '. is no operation'],
    ['erase red ball a1 . put red ball a1 fix', 5, 'unfinished put'],
  ])('refuse %j at word %i: %s', (text, at, problem) => {
    const parse = parsePlan(words(text));
    expect(parse).toMatchObject({ ok: false, at });
    expect(parse.ok ? '' : parse.problem).toContain(problem);
    expect(planSteps(words(text))).toEqual([]);
  });

  it('have at least one operation', () => {
    expect(parsePlan([])).toEqual({ ok: false, at: 0, problem: 'no operation' });
  });
});

describe('reflections', () => {
  it('say ok where nothing is missing', () => {
    expect(reflectionWords(start, start)).toEqual(['ok']);
    expect(parseReflection(['ok'])).toEqual({ ok: true, verdict: 'ok' });
  });

  it('ask for at most two repairs, which bring the picture nearer', () => {
    fc.assert(
      fc.property(scene, scene, (current, wanted) => {
        const operations = fixOperations(current, wanted);
        const differ = (cells: Cells) => cells.filter((id, index) => id !== wanted[index]).length;
        expect(differ(applyOperations(current, operations))).toBe(Math.max(0, differ(current) - 2));
        const text = reflectionWords(current, wanted);
        expect(text.length).toBeLessThanOrEqual(13);
        const expected = operations.length === 0 ? { verdict: 'ok' } : { verdict: 'fix', operations };
        expect(parseReflection(text)).toEqual({ ok: true, ...expected });
      }),
    );
  });

  it('call a spoilt cell empty', () => {
    const current = start.with(0, SPOILT);
    expect(reflectionWords(current, start.with(0, 0)).join(' ')).toBe('fix erase empty cell a1 .');
    expect(reflectionWords(current, start).join(' ')).toBe('fix put red ball a1 .');
  });

  it.each([
    'ok ok',
    'no',
    '',
    'fix',
    'fix put red ball',
    'fix move red ball a1 a2 .',
    'fix change red ball a1 .',
    'fix erase red ball a1 . erase red ball a2 . erase red ball a3 .',
  ])('refuse %j', (text) => {
    expect(parseReflection(words(text)).ok).toBe(false);
  });
});

describe('the vocabulary', () => {
  it('starts with the special words and holds every word once', () => {
    expect(VOCABULARY.slice(0, 8)).toEqual([
      '<pad>',
      '<end>',
      '<plan>',
      '<refl>',
      '<instr>',
      'ok',
      'fix',
      'and',
    ]);
    expect(SPECIAL_WORDS).toHaveLength(8);
    expect(new Set(VOCABULARY).size).toBe(VOCABULARY.length);
    expect(CELL_WORD_IDS.map((id) => VOCABULARY[id])).toEqual(CELL_NAMES);
  });

  it('stays as it is: trained weights depend on the order of its words', () => {
    expect(VOCABULARY).toHaveLength(168);
    const digest = createHash('sha256').update(VOCABULARY.join(' ')).digest('hex');
    expect(digest.slice(0, 16)).toBe('61e895070bbb498e');
  });

  it('encodes and decodes', () => {
    const ids = encodeWords(['ok', '<end>'], 4);
    expect(ids).toEqual(Int32Array.of(5, 1, 0, 0));
    expect(decodeWords(ids)).toEqual(['ok']);
    expect(decodeWords([wordId('fix'), 0, wordId('put'), 1, wordId('ok')])).toEqual(['fix', 'put']);
  });

  it('refuses unknown words and long texts', () => {
    expect(() => encodeWords(['tree'], 4)).toThrow(UnknownWordError);
    expect(() => encodeWords(['ok', 'ok'], 1)).toThrow(TextTooLongError);
    expect(() => wordId('tree')).toThrow('"tree"');
  });
});
