import { z } from 'zod';

const scoresSchema = z.record(z.string(), z.number().nullable());

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
