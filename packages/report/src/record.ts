import { z } from 'zod';

const answerSchema = z.object({
  questionId: z.string(),
  reply: z.enum(['yes', 'no']),
  agrees: z.boolean(),
  probabilityOfYes: z.number().optional(),
});

const stageSchema = z.object({
  /** Path of the picture after this stage, relative to `chains/`. */
  picture: z.string(),
  rewards: z.array(z.number()),
  answers: z.array(answerSchema),
  unjudged: z.string().optional(),
  oracle: z.record(z.string(), z.number()).optional(),
});

const creditSchema = z.object({
  method: z.string(),
  advantage: z.number(),
  /** Place among the kept samples of this stage, worst 0; null when left out. */
  rank: z.number().nullable(),
  /** How many samples this stage kept. */
  of: z.number(),
});

const utteranceSchema = z.object({ text: z.string(), wellFormed: z.boolean() });

const chainSchema = z.object({
  index: z.number(),
  plan: utteranceSchema.nullable(),
  reflections: z.array(utteranceSchema.extend({ verdict: z.enum(['ok', 'fix']) })),
  /** After the first edit, then after every round. */
  stages: z.array(stageSchema).min(1),
  /** One entry per stage that has credit. */
  credit: z.array(creditSchema),
  outcome: z.object({
    kept: z.boolean(),
    reason: z.string(),
    text: z.string(),
    /** Chains of the group that this one was left out against. */
    against: z.array(z.number()),
  }),
});

const questionSchema = z.object({ id: z.string(), text: z.string(), expected: z.enum(['yes', 'no']) });

const groupSchema = z.object({
  task: z.object({
    id: z.string(),
    instruction: z.string(),
    category: z.string(),
    /** `train`, or the evaluation split the task comes from. */
    split: z.string(),
    questions: z.array(questionSchema),
    /** Paths relative to `chains/`; `truth` where the world knows it. */
    pictures: z.object({ reference: z.string(), truth: z.string().optional() }),
  }),
  degenerate: z.string().nullable(),
  chains: z.array(chainSchema),
});

/** Checks the text of a `chains/step-N.json`. */
export const chainsFileSchema = z.object({
  version: z.literal(1),
  /** Iteration that sampled the chains; 0 is before training. */
  iteration: z.number(),
  /** Names of the reward dimensions, in the order of `rewards`. */
  dimensions: z.array(z.string()),
  groups: z.array(groupSchema),
});

/** One recorded iteration, as written to `chains/step-N.json`. */
export type ChainsFile = z.infer<typeof chainsFileSchema>;

/** The recorded chains of one task. */
export type GroupRecord = z.infer<typeof groupSchema>;

/**
 * One recorded chain: what was thought, edited, answered and ranked, and why it was left out if it was.
 *
 * Pictures are paths relative to `chains/`.
 */
export type ChainRecord = z.infer<typeof chainSchema>;

/** One judged picture of a recorded chain. */
export type StageRecord = z.infer<typeof stageSchema>;
