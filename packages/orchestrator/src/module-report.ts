import type { ModuleReport } from '@thinkrl/spec';

/** The report of an update that had nothing to learn from. */
export function noSamples(): ModuleReport {
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
