import { join } from 'node:path';
import { type GuardCounts, type GuardReport, guardReport } from '@thinkrl/checklist-reward';
import type { EngineReport } from '@thinkrl/engine';
import {
  type Evaluation,
  type RunFolder,
  RunFolderError,
  readIfPresent,
  readMetrics,
  writeWhole,
} from '@thinkrl/orchestrator';
import type { MicroConfig } from './config.ts';
import type { SplitEvaluations } from './evaluate-micro.ts';

/** Exact scores of one split, in percent. */
export interface PercentScores {
  readonly if: number;
  readonly strict: number;
  readonly consistency: number;
  readonly quality: number;
  readonly idle: number;
  /** Strict before any reflection. */
  readonly firstStrict: number;
  readonly fixShare: number;
}

/** Scores of the splits that were evaluated: none where `evaluation.tasks` is 0. */
export type SplitScores = Readonly<Partial<Record<'id' | 'ood', PercentScores>>>;

/** What a run came to, as written to `summary.json`; scores in percent. */
export interface MicroSummary {
  readonly recipe: 'micro';
  readonly seed: number;
  readonly mode: MicroConfig['mode'];
  readonly judge: MicroConfig['judge'];
  readonly grouping: MicroConfig['grouping']['method'];
  readonly iterations: number;
  readonly seconds: { readonly train: number; readonly eval: number };
  readonly before: SplitScores;
  readonly after: SplitScores;
  /** In-domain instruction and strict scores by category, before and after. */
  readonly perCategory: Readonly<Record<string, Readonly<Record<'before' | 'after', CategoryScores>>>>;
  readonly engine: string;
  readonly chainsPerSecond: number;
  readonly keptShare: number;
  /** Share of idle edits in the last 30 iterations' chains. */
  readonly idleShare: number;
  /** How far the judge can be trusted; the exact scores are what it is held against. */
  readonly guard: GuardReport;
}

/** Scores of one category, in percent. */
export interface CategoryScores {
  readonly if: number;
  readonly strict: number;
}

/** What a summary is made from, beside the metrics on disk. */
export interface SummaryFacts {
  readonly config: MicroConfig;
  readonly engine: EngineReport;
  readonly before: SplitEvaluations;
  readonly after: SplitEvaluations;
}

/** Sums a finished run up and writes `summary.json`. */
export function writeSummary(folder: RunFolder, facts: SummaryFacts): MicroSummary {
  const summary = summaryOf(folder, facts);
  writeWhole(folder.summary, `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** Sums a finished run up. */
export function summaryOf(folder: RunFolder, { config, engine, before, after }: SummaryFacts): MicroSummary {
  const steps = readMetrics(folder.metrics);
  const seconds = steps.map(({ seconds }) => seconds.sample + seconds.update);
  const train = total(seconds);
  const chains = total(steps.map((step) => step.chains));
  return {
    recipe: 'micro',
    seed: config.seed,
    mode: config.mode,
    judge: config.judge,
    grouping: config.grouping.method,
    iterations: steps.length,
    seconds: { train: tenth(train), eval: tenth(before.seconds + after.seconds) },
    before: scoresOf(before),
    after: scoresOf(after),
    perCategory: categories(before.id, after.id),
    engine: `${engine.name} ${engine.version}`,
    chainsPerSecond: tenth(chains / Math.max(train, 1e-9)),
    keptShare: mean(steps.map((step) => step.keptShare)),
    idleShare: mean(steps.slice(-30).map((step) => step.oracle.idle ?? 0)),
    guard: guardReport({
      counts: steps.flatMap(({ guard }) => (guard === undefined ? [] : [guard as GuardCounts])),
      reward: steps.map(({ rewards }) => rewards.instruction ?? 0),
      heldOut: steps.map(({ oracle }) => oracle.instruction ?? 0),
    }),
  };
}

/** Evaluations that a stopped run had already made. @throws RunFolderError when one is damaged. */
export function readEvaluations(folder: RunFolder): { readonly before?: SplitEvaluations } {
  const path = evaluationPath(folder, 'before');
  const text = readIfPresent(path);
  if (text === null) return {};
  try {
    return { before: JSON.parse(text) as SplitEvaluations };
  } catch (cause) {
    throw new RunFolderError(path, `is damaged: ${(cause as Error).message}`, { cause });
  }
}

/** Keeps an evaluation in the run folder, for the report and for a resumed run. */
export function writeEvaluation(
  folder: RunFolder,
  when: 'before' | 'after',
  evaluations: SplitEvaluations,
): void {
  writeWhole(evaluationPath(folder, when), `${JSON.stringify(evaluations, null, 2)}\n`);
}

function evaluationPath(folder: RunFolder, when: string): string {
  return join(folder.root, `evaluation-${when}.json`);
}

function scoresOf({ id, ood }: SplitEvaluations): SplitScores {
  return {
    ...(id.tasks > 0 && { id: percent(id) }),
    ...(ood.tasks > 0 && { ood: percent(ood) }),
  };
}

function percent({ scores, firstScores, fixShare }: Evaluation): PercentScores {
  return {
    if: tenth(100 * (scores.instruction ?? 0)),
    strict: tenth(100 * (scores.strict ?? 0)),
    consistency: tenth(100 * (scores.consistency ?? 0)),
    quality: tenth(100 * (scores.quality ?? 0)),
    idle: tenth(100 * (scores.idle ?? 0)),
    firstStrict: tenth(100 * (firstScores.strict ?? 0)),
    fixShare: tenth(100 * fixShare),
  };
}

function categories(before: Evaluation, after: Evaluation): MicroSummary['perCategory'] {
  const ofCategory = (evaluation: Evaluation, category: string): CategoryScores => {
    const scores = evaluation.perCategory[category] ?? {};
    return { if: tenth(100 * (scores.instruction ?? 0)), strict: tenth(100 * (scores.strict ?? 0)) };
  };
  return Object.fromEntries(
    Object.keys(before.perCategory).map((category) => [
      category,
      { before: ofCategory(before, category), after: ofCategory(after, category) },
    ]),
  );
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function mean(values: readonly number[]): number {
  return Math.round((total(values) / Math.max(1, values.length)) * 1e4) / 1e4;
}
