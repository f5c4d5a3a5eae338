import type { Checklist, Question, RandomStream } from '@thinkrl/spec';
import { countThings, type Fact, factId, factQuestion, oppositeQuestion } from './fact.ts';
import { type Cells, changedCells } from './scene.ts';
import { EMPTY, TEMPLATES } from './template.ts';

/** A question with the fact that it asks for; `expected` is `no` where the question is turned round. */
export interface MicroQuestion extends Question {
  readonly fact: Fact;
}

/** The checklist of a micro-world task: 4, 6 or 8 questions, half of which expect `no`. */
export interface MicroChecklist extends Checklist {
  readonly questions: readonly MicroQuestion[];
}

const QUESTION_LIMIT = 8;

/** The question for a fact in either polarity. */
export function questionFor(fact: Fact, expected: 'yes' | 'no'): MicroQuestion {
  const text = expected === 'yes' ? factQuestion(fact) : oppositeQuestion(fact);
  return { id: factId(fact), text, expected, fact };
}

/**
 * The checklist of one task: what each changed cell holds now, what changed, what did not, how many things there are.
 *
 * All agree exactly where the picture shows `truth`. The number of questions is even and half of them, drawn at random,
 * expect `no`: saying the same to everything scores 1/2.
 */
export function makeChecklist(reference: Cells, truth: Cells, stream: RandomStream): MicroChecklist {
  const facts = chooseFacts(reference, truth);
  const turned = new Set(stream.sample(facts, Math.floor(facts.length / 2)));
  return {
    source: 'microworld',
    questions: facts.map((fact) => questionFor(fact, turned.has(fact) ? 'no' : 'yes')),
  };
}

/** The facts to ask for; the less telling ones are left out to keep within the limit and the number even. */
function chooseFacts(reference: Cells, truth: Cells): readonly Fact[] {
  const cells = changedCells(reference, truth);
  const nouns: Fact[] = [];
  const exact: Fact[] = [];
  for (const cell of cells) {
    const thing = truth[cell]!;
    if (thing === EMPTY) exact.push({ kind: 'empty', cell });
    else {
      nouns.push({ kind: 'noun', cell, noun: TEMPLATES[thing]!.noun });
      exact.push({ kind: 'thing', cell, thing });
    }
  }
  const changed: Fact = { kind: 'changed', cells };
  const count: Fact = { kind: 'count', count: countThings(truth) };
  const others: Fact = { kind: 'others', cells };
  const spare = [count, ...nouns.toReversed()];
  let facts: readonly Fact[] = [...nouns, ...exact, changed, count, others];
  while (spare.length > 0 && (facts.length > QUESTION_LIMIT || facts.length % 2 === 1)) {
    const dropped = spare.shift();
    facts = facts.filter((fact) => fact !== dropped);
  }
  return facts;
}
