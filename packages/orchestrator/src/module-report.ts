import { fromEveryRank, type ProcessGroup } from '@thinkrl/fsdp-shard';
import type { ModuleReport } from '@thinkrl/spec';

/** How many terms the means of a report are over. */
export interface ReportWeights {
  /** Of the loss: tokens, chains or edits, as the objective takes its mean. */
  readonly loss: number;
  /** Of the statistics: tokens or edits. */
  readonly statistics: number;
}

/** What an update came to on one rank. */
export interface RankReport {
  readonly report: ModuleReport;
  readonly weights: ReportWeights;
}

/**
 * One report for the update of all ranks, the same on each: means by weight, largest gaps. `own` is null on a rank that had
 * no samples.
 */
export async function reportOfAll(group: ProcessGroup, own: RankReport | null): Promise<ModuleReport> {
  const all = (await fromEveryRank(group, own)).filter((one) => one !== null);
  if (all.length < 2) return all[0]?.report ?? noSamples();
  const mean = (kind: keyof ReportWeights, of: (report: ModuleReport) => number) => {
    const total = all.reduce((sum, { weights }) => sum + weights[kind], 0);
    return all.reduce((sum, { report, weights }) => sum + (weights[kind] / total) * numberOf(of(report)), 0);
  };
  const most = (of: (report: ModuleReport) => number) =>
    Math.max(...all.map(({ report }) => numberOf(of(report))));
  return {
    ...all[0]!.report,
    loss: mean('loss', ({ loss }) => loss),
    kl: mean('statistics', ({ kl }) => kl),
    clipFraction: mean('statistics', ({ clipFraction }) => clipFraction),
    rolloutGap: most(({ rolloutGap }) => rolloutGap),
    firstRatioGap: most(({ firstRatioGap }) => firstRatioGap),
    samples: all.reduce((sum, { report }) => sum + report.samples, 0),
    ...(all.every(({ report }) => report.entropy !== undefined) && {
      entropy: mean('statistics', ({ entropy }) => entropy!),
    }),
  };
}

/** What is not finite comes from another rank as null. */
function numberOf(value: number | null): number {
  return value ?? Number.NaN;
}

/** The report of an update that had nothing to learn from. */
function noSamples(): ModuleReport {
  return {
    loss: 0,
    kl: 0,
    clipFraction: 0,
    gradientNorm: 0,
    rolloutGap: 0,
    firstRatioGap: 0,
    samples: 0,
    skipped: 'no-samples',
  };
}
