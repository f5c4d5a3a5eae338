import { ConfigError } from '@thinkrl/spec';

/** What the pre-training corpus is like; every field is a share in [0, 1]. */
export interface CorpusOptions {
  /** Share of right plans for tasks with a hard rule. */
  readonly hardShare: number;
  /** Share of right plans for the others. */
  readonly easyShare: number;
  /** Share of the systematic misconception among wrong plans. */
  readonly misconceptionShare: number;
  /** Share of plans that change a thing to what it already is. */
  readonly lazyShare: number;
  /** Share of reflections that judge by the truth; the others judge by the plan as written. */
  readonly reflectRight: number;
  /** Share of edits that do not show what the plan says. */
  readonly spoilShare: number;
  /** Share of samples with a right plan that is read, not learned, so that the reflector often sees right plans. */
  readonly demonstrationShare: number;
  /** Share of the editor's samples whose text is the bare instruction. */
  readonly instructionShare: number;
  /** Share of the editor's samples whose text is a reflection; the rest are plans. */
  readonly reflectionShare: number;
}

/**
 * The corpus of the shipped weights: hard rules are got wrong about as often as right, 8 % of plans are lazy so that
 * doing nothing is in the policy's reach, and "ok" is the right reflection about as often as it is in roll-outs.
 */
export const CORPUS_DEFAULTS: CorpusOptions = {
  hardShare: 0.35,
  easyShare: 0.6,
  misconceptionShare: 0.6,
  lazyShare: 0.08,
  reflectRight: 0.8,
  spoilShare: 0.2,
  demonstrationShare: 0.15,
  instructionShare: 0.2,
  reflectionShare: 0.3,
};

/** The defaults with some fields replaced; ConfigError for a share outside [0, 1]. */
export function corpusOptions(overrides: Partial<CorpusOptions> = {}): CorpusOptions {
  const options = { ...CORPUS_DEFAULTS, ...overrides };
  for (const [field, value] of Object.entries(options))
    if (!(value >= 0 && value <= 1))
      throw new ConfigError({ field: `corpus.${field}`, value, fix: 'use a share from 0 to 1' });
  return options;
}
