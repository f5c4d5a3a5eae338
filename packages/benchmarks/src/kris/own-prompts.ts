import { type OwnPrompt, ownPrompts } from '../own-prompts.ts';
import type { PromptBook } from '../prompt-book.ts';

const json = (...scores: readonly string[]) => {
  const fields = scores.flatMap((name) => [
    `"${scores.length === 1 ? '' : `${name}_`}reasoning": "one or two sentences"`,
    `"${name}_score": n`,
  ]);
  return `Your whole reply is one JSON object, {${fields.join(', ')}}, where n is a whole number: five is best, one is worst.`;
};

const consistency = [
  'Judge only what the edit did not call for: people, things, places, colours, light and framing that should have stayed.',
  'Five: nothing of that differs. Four: one trifle does. Three: one plain difference. Two: several. One: hardly anything',
  'was kept. How well the edit itself was done does not count.',
];
const obedience = [
  'Judge only whether the edit in the data block was carried out: on the right thing, in the right manner, to the right',
  'degree. Five: wholly. Four: but for a trifle. Three: the main thing is there and something that was asked for is wrong',
  'or missing. Two: most of it is missing. One: it was not done, or something else was. Changes that nobody asked for do',
  'not count.',
];
const pair = 'The first picture is the original, the second is the edited one.';
const sources = 'The numbered pictures are sources, the predicted picture was composed from them.';
const frames =
  'The pictures are frames of one course of events in their order; one frame is marked as generated.';

const prompts: Readonly<Record<string, OwnPrompt>> = {
  prompt_consist: { question: [pair, ...consistency], reply: json('consistency') },
  prompt_quality: {
    question: [
      'Judge the picture by itself: are bodies, things and writing well formed, are light, shadow and perspective sound,',
      'is it free of smears, doublings and other traces of generation? Softness and a small size do not count unless they',
      'hide what is shown. Five: flawless. Four: one small flaw. Three: one or two plain flaws. Two: several that disturb.',
      'One: broken.',
    ],
    reply: json('quality'),
  },
  prompt_instruction_following: { question: [pair, ...obedience], reply: json('instruction') },
  prompt_abnormal_instruction_following: {
    question: [
      pair,
      'The original shows something that cannot be so; the data block says what, and how it should be. Judge only whether',
      'that was put right. Five: wholly and believably. Three: in part. One: not at all; an unchanged picture is one.',
    ],
    reply: json('instruction'),
  },
  prompt_view_instruction_following: {
    question: [
      pair,
      'The third picture shows the very view that was asked for. Judge how well the edited picture has its direction,',
      'perspective, and what is seen and hidden from there. Five: the same view. Three: turned the right way, but not as',
      'far, or with parts that do not fit. One: another view, or none was changed.',
    ],
    reply: json('instruction'),
  },
  prompt_dual_evaluation: {
    question: [
      pair,
      'Give two scores. The instruction score:',
      ...obedience,
      'The knowledge score: does the edited picture show what the data block says really happens, as the laws of nature,',
      'of logic or custom have it? Five: in every visible respect. Four: but for a trifle. Three: with one plain',
      'contradiction. Two: with several. One: not at all. Where the instruction score is two or less, the knowledge score',
      'is one.',
    ],
    reply: json('instruction', 'knowledge'),
  },
  prompt_consist_temporal: {
    question: [
      frames,
      'Judge only whether the generated frame shows the same things in the same style as the others, motion and change in',
      'the course of time aside. Five: as if taken with them. Four: one trifle differs. Three: one plain difference. Two:',
      'several. One: other things, or another style.',
    ],
    reply: json('consistency'),
  },
  prompt_instruction_temporal: {
    question: [
      frames,
      'Judge only whether the generated frame is what comes at its place: before, between or after the others. Five:',
      'exactly. Three: the right direction, too early or too late. One: it does not belong there.',
    ],
    reply: json('instruction'),
  },
  prompt_consist_multi: {
    question: [sources, 'Find the source that is the background, and compare with it.', ...consistency],
    reply: json('consistency'),
  },
  prompt_instruction_multi: {
    question: [
      sources,
      'Judge only whether the right things were taken from the right sources and put where the data block says. Five: all.',
      'Four: but for a trifle. Three: one is wrong or missing. Two: most are. One: all are.',
    ],
    reply: json('instruction'),
  },
};

/** Our own prompts for KRIS-Bench; not comparable with published numbers. */
export const KRIS_OWN_PROMPTS: PromptBook = ownPrompts(prompts);
