import {
  type ChecklistReward,
  checklistDimension,
  createChecklistReward,
  type Judge,
  type Metric,
  metricDimension,
  noisyJudge,
  roughMetric,
} from '@thinkrl/checklist-reward';
import { ConfigError, Key, type Question } from '@thinkrl/spec';
import { readPicture } from './decode.ts';
import { EDITED_QUESTION, exactJudge, oracleScores, UNEDITED_QUESTION } from './exact-judge.ts';
import { keptConsistency, lazyQuality, plainQuality, steepConsistency } from './metrics.ts';
import type { MicroTask } from './task.ts';

/** How the policy is judged: the exact judge made rough. The noise levels are assumed, not measured on a model. */
export interface JudgeSettings {
  /** Whether a picture left as it was gets nothing, or what its checklist gives. */
  readonly untouched: 'refused' | 'scored';
  /** Consistency over the cells that must stay, or naive similarity of the whole picture. */
  readonly consistency: 'kept' | 'steep';
  /** Mean rmse at which the steep consistency is 0. */
  readonly consistencyScale: number;
  /** Plain quality, or one that prefers untouched pictures. */
  readonly quality: 'plain' | 'lazy';
  /** Mean rmse at which the lazy quality takes off its most. */
  readonly qualityScale: number;
  /** Step to which consistency and quality are rounded. */
  readonly rounding: number;
  /** Share of checklist answers turned round. */
  readonly flip: number;
  /** Standard deviation of the noise on consistency and quality. */
  readonly noise: number;
}

/** A named judge with what must be said wherever its results are shown. */
export interface JudgePreset {
  readonly name: 'benign' | 'conflict';
  /** Null where nothing needs saying. */
  readonly notice: string | null;
  readonly settings: JudgeSettings;
}

const BENIGN: JudgeSettings = {
  untouched: 'refused',
  consistency: 'kept',
  consistencyScale: 0.04,
  quality: 'plain',
  qualityScale: 0.04,
  rounding: 0.25,
  flip: 0.03,
  noise: 0.03,
};

/**
 * The two judges: `benign` (default), whose dimensions agree, and `conflict`, built so that an untouched picture has a
 * larger plain sum of rewards than a right edit.
 */
export const JUDGE_PRESETS: Readonly<Record<JudgePreset['name'], JudgePreset>> = {
  benign: { name: 'benign', notice: null, settings: BENIGN },
  conflict: {
    name: 'conflict',
    notice:
      'The conflict judge is built to mislead an equal-weight sum of rewards: a picture left as it was sums to more ' +
      'than a right edit. It shows a mechanism and is no fair sample of judges; a sum with weights 4, 1, 1 is not misled.',
    settings: { ...BENIGN, consistency: 'steep', quality: 'lazy' },
  },
};

/**
 * The judge of a preset: the exact one, which now and then errs.
 *
 * @throws ConfigError for an unknown preset or a flip rate out of range.
 */
export function createMicroJudge(preset: JudgePreset['name'] | JudgeSettings): Judge<MicroTask> {
  const { flip, untouched } = settingsOf(preset);
  return noisyJudge(exactJudge({ refuseIdle: untouched === 'refused' }), { flip });
}

/**
 * The reward of the micro-world: dimensions `instruction` (checklist), `consistency` and `quality`, and the exact
 * scores as oracle. `judge` answers the checklists; default {@link createMicroJudge}.
 *
 * @throws ConfigError for an unknown preset or a setting out of range.
 * @example
 * const reward = createMicroReward('benign');
 * const judged = await reward.judge(chains, Key.of(1));
 */
export function createMicroReward(
  preset: JudgePreset['name'] | JudgeSettings,
  judge: Judge<MicroTask> = createMicroJudge(preset),
): ChecklistReward<MicroTask> {
  const settings = settingsOf(preset);
  for (const field of ['consistencyScale', 'qualityScale'] as const)
    if (!(settings[field] > 0))
      throw new ConfigError({ field, value: settings[field], fix: 'use a number above 0' });
  const questions = settings.untouched === 'refused' ? questionsWithEdited : ownQuestions;
  return createChecklistReward<MicroTask>({
    dimensions: [
      checklistDimension<MicroTask>({ judge, questions }),
      metricDimension({ name: 'consistency', metric: roughMetric(consistencyMetric(settings), settings) }),
      metricDimension({ name: 'quality', metric: roughMetric(qualityMetric(settings), settings) }),
    ],
    oracle: ({ task, image }) => oracleScores(task, image),
  });
}

function settingsOf(preset: JudgePreset['name'] | JudgeSettings): JudgeSettings {
  return typeof preset === 'string' ? presetOf(preset).settings : preset;
}

function ownQuestions({ checklist }: MicroTask): readonly Question[] {
  return checklist.questions;
}

/** One question more, of either polarity by the task's id, so that saying the same to everything is worth 1/2 on average. */
function questionsWithEdited({ id, checklist }: MicroTask): readonly Question[] {
  const expectsYes = Key.of(0).fold(id).stream().uniform() < 0.5;
  return [expectsYes ? EDITED_QUESTION : UNEDITED_QUESTION, ...checklist.questions];
}

/** The preset of a name; ConfigError for another name. */
export function presetOf(name: string): JudgePreset {
  const preset = Object.values(JUDGE_PRESETS).find((candidate) => candidate.name === name);
  if (preset === undefined)
    throw new ConfigError({
      field: 'judge',
      value: name,
      fix: `use one of ${Object.keys(JUDGE_PRESETS).join(', ')}`,
    });
  return preset;
}

function consistencyMetric(settings: JudgeSettings): Metric<MicroTask> {
  const { consistency, consistencyScale } = settings;
  return consistency === 'kept'
    ? ({ task, image }) => keptConsistency(task, image)
    : ({ task, image }) => steepConsistency(task, image, consistencyScale);
}

function qualityMetric(settings: JudgeSettings): Metric<MicroTask> {
  const { quality, qualityScale } = settings;
  return quality === 'plain'
    ? ({ task, image }) => plainQuality(readPicture(image, task.scene.background))
    : ({ task, image }) => lazyQuality(task, image, qualityScale);
}
