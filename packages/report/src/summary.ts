import { z } from 'zod';

const scoresSchema = z.record(z.string(), z.number().nullable());

const guardSchema = z.object({
  /** Share of yes to questions that expect yes, and to those that expect no. */
  yesShare: z.object({ expectYes: z.number().nullable(), expectNo: z.number().nullable() }),
  answers: z.number(),
  addressed: z.number(),
  agreement: z.array(
    z.object({
      left: z.string(),
      right: z.string(),
      questions: z.number(),
      rate: z.number().nullable(),
      kappa: z.number().nullable(),
    }),
  ),
  repeats: z
    .object({ pictures: z.number(), repeats: z.number(), deviation: z.number().nullable() })
    .nullable(),
  suspicions: z.array(z.object({ kind: z.string(), text: z.string() })),
});

/** What a guard found out about the judge of a run. */
export type JudgeGuard = z.infer<typeof guardSchema>;

const splitsSchema = z.record(z.string(), scoresSchema);

/** Checks the parts of a `summary.json` that the report shows; all are optional, others are left alone. */
export const summarySchema = z.looseObject({
  seed: z.number().optional(),
  iterations: z.number().optional(),
  seconds: z.record(z.string(), z.number()).optional(),
  /** Scores in percent by split before training. */
  before: splitsSchema.optional(),
  after: splitsSchema.optional(),
  /** By category: scores in percent before and after. */
  perCategory: z.record(z.string(), z.object({ before: scoresSchema, after: scoresSchema })).optional(),
  engine: z.string().optional(),
  chainsPerSecond: z.number().optional(),
  keptShare: z.number().optional(),
  guard: guardSchema.optional(),
});

/** Scores by name, in percent: `if` (instruction following), `strict`, `consistency`, `quality`, ... */
export type Scores = z.infer<typeof scoresSchema>;

/**
 * The parts of `summary.json` that the report shows.
 *
 * @example
 * const summary: RunSummary = {
 *   seed: 1,
 *   before: { id: { if: 74, strict: 42.3 } },
 *   after: { id: { if: 79.9, strict: 57 } },
 *   perCategory: { temporal: { before: { strict: 40 }, after: { strict: 61 } } },
 * };
 */
export type RunSummary = z.infer<typeof summarySchema>;
