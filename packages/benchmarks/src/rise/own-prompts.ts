import { type OwnPrompt, ownPrompts } from '../own-prompts.ts';
import type { PromptBook } from '../prompt-book.ts';

const reply = (range: string) =>
  `Say in a few sentences what you see, without giving any number. The last line of your reply is "Final Score: n", where n is ${range}.`;
const graded = reply('a whole number from 1, worst, to 5, best');
const binary = reply('1 for yes or 0 for no');

const pair = 'The first picture is the original, the second is the edited one.';
const answered = 'The first picture shows the right answer, the second is the edited one.';
const kept = [
  'Judge only what the edit did not call for. Best: all of that is as it was. Each difference that nobody asked for, and',
  'that the edit does not bring about by itself, costs a point. How well the edit was done does not count.',
];
const right = [
  'Judge only how well the edited picture shows the right result in the data block, seen as the outcome of the edit that',
  'was asked for. Best: in every point. Middle: the main thing is there and something is wrong. Worst: it does not.',
];
const sound = [
  'Judge the picture by itself: is it sharp, well formed and physically possible, without traces of generation? Best:',
  'like a real picture. Worst: broken.',
];

const prompts: Readonly<Record<string, OwnPrompt>> = {
  prompt_consist: { question: [pair, ...kept], reply: graded },
  prompt_reasoning: { question: ['The picture is the edited one.', ...right], reply: graded },
  prompt_reasoning_w_input: { question: [pair, ...right], reply: graded },
  prompt_generation: { question: sound, reply: graded },
  prompt_spatial_cons: {
    question: [
      'The first picture is the original or the right result, the second is the edited one.',
      ...kept,
      'Be strict about shapes, colours, materials and numbers of things. Plain backgrounds do not count, nor does a mark of',
      'origin in a corner.',
    ],
    reply: graded,
  },
  prompt_spatial_ref: { question: ['The picture is the edited one.', ...right], reply: graded },
  prompt_spatial_ref_img: {
    question: [
      answered,
      'Judge only how well the edited picture has the arrangement of the right answer: which things, where, and how turned.',
      'Best: the same. Worst: another.',
    ],
    reply: graded,
  },
  prompt_spatial_ref_w_input: { question: [pair, ...right], reply: graded },
  prompt_spatial_qual: { question: [...sound, 'A rendered look is no flaw.'], reply: graded },
  prompt_logical_cons: {
    question: [
      answered,
      'Is the edited picture drawn in the same style and laid out in the same way as the first?',
    ],
    reply: binary,
  },
  prompt_logical_cons_ans: {
    question: [
      pair,
      'Is the edited picture drawn in the same style and laid out in the same way as the first, the answer aside?',
    ],
    reply: binary,
  },
  prompt_logical_txt: {
    question: [
      'The picture is to show the right result in the data block. Does it, and nothing beside it that would be another',
      'answer?',
    ],
    reply: binary,
  },
  prompt_logical_img: {
    question: [
      answered,
      'Does the edited picture solve the problem in the data block by the same answer as the first?',
    ],
    reply: binary,
  },
  prompt_logical_img_wo_q: {
    question: [
      answered,
      'Do the two show the same, size and background aside? With more in the second they do not.',
    ],
    reply: binary,
  },
};

/** Our own prompts for RISEBench; not comparable with published numbers. */
export const RISE_OWN_PROMPTS: PromptBook = ownPrompts(prompts);
