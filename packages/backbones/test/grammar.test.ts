import { END, parsePlan, parseReflection, SLOTS, TEMPLATES, VOCABULARY, wordId } from '@thinkrl/microworld';
import { Key } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { planGrammar, reflectionGrammar } from '../src/micro/grammar.ts';

const thing = (at: number) => `${TEMPLATES[at]!.attribute} ${TEMPLATES[at]!.noun}`;
const texts = {
  plan: {
    grammar: planGrammar,
    least: 6,
    slots: SLOTS.plan,
    parses: (words: readonly string[]) => parsePlan(words).ok,
    examples: [
      `move ${thing(1)} a1 d4 .`,
      `put ${thing(3)} b2 . erase ${thing(5)} c3 . change ${thing(7)} d1 .`,
      `move ${thing(2)} a1 d4 . move ${thing(2)} d4 a2 . put ${thing(4)} a1 .`,
    ],
  },
  reflection: {
    grammar: reflectionGrammar,
    least: 2,
    slots: SLOTS.reflection,
    parses: (words: readonly string[]) => parseReflection(words).ok,
    examples: ['ok', `fix put ${thing(1)} a1 .`, `fix erase ${thing(2)} b1 . put ${thing(1)} a1 .`],
  },
};

describe.each(Object.entries(texts))('grammar of a %s', (_, { grammar, least, slots, parses, examples }) => {
  it.each(examples)('allows %s', (text) => {
    expect(parses(text.split(' '))).toBe(true);
    const ids = [...text.split(' ').map(wordId), END];
    ids.forEach((id, at) => {
      expect(grammar(slots).allowed(ids.slice(0, at))).toContain(id);
    });
  });

  it('lets every text end within its slots, and only where it parses', () => {
    for (let room = least; room <= slots; room++)
      for (const key of Key.of(9).fold(room).split(100)) {
        const stream = key.stream();
        const said: number[] = [];
        while (said.at(-1) !== END) said.push(stream.pick(grammar(room).allowed(said)));
        expect(said.length).toBeLessThanOrEqual(room);
        expect(parses(said.slice(0, -1).map((id) => VOCABULARY[id]!))).toBe(true);
      }
  });
});
