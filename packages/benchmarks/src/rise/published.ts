import type { RiseSwitches } from './aggregate.ts';

/** A published result on RISEBench: accuracies and score percentages, 0 to 100. */
export interface RisePublished {
  readonly model: string;
  readonly temporal?: number;
  readonly causal?: number;
  readonly spatial?: number;
  readonly logical?: number;
  readonly overall: number;
  readonly reasoning?: number;
  readonly consistency?: number;
  readonly plausibility?: number;
  readonly source: string;
  readonly accuracyMode: RiseSwitches['accuracyMode'];
}

type Figures = readonly [
  temporal: number,
  causal: number,
  spatial: number,
  logical: number,
  overall: number,
  reasoning?: number,
  consistency?: number,
  plausibility?: number,
];

const leaderboard: Readonly<Record<string, Figures>> = {
  'GPT-Image-1.5': [57.6, 62.2, 62, 21.2, 51.4, 69.7, 92.5, 94.9],
  'Gemini-3-pro-image': [43.5, 63.3, 48, 37.6, 48.3, 77, 85.5, 94.4],
  'GPT-Image-1': [36.5, 34.4, 37, 10.6, 30, 62.8, 80.2, 94.9],
  'Qwen-Image-Edit-2511': [21.2, 18.9, 31, 4.7, 19.4, 49.9, 71, 91.5],
  'BAGEL with CoT': [11.8, 27.8, 21, 1.2, 15.8, 47.6, 75.6, 81.7],
  'Qwen-Image-Edit-2509': [4.7, 11.1, 17, 2.4, 9.2, 37.2, 66.4, 86.9],
  BAGEL: [3.5, 4.4, 14, 0, 5.8, 36.4, 58.7, 72],
  'FLUX.1-Kontext-dev': [2.3, 5.5, 13, 1.2, 5.8, 26, 71.6, 85.2],
};

const beforeTheFix: Readonly<Record<string, Figures>> = {
  'GPT-4o-Image': [34.1, 32.2, 37, 10.6, 28.9],
  'BAGEL with CoT': [5.9, 17.8, 21, 1.2, 11.9],
  'Qwen-Image-Edit': [4.7, 10, 17, 2.4, 8.9],
  BAGEL: [2.4, 5.6, 14, 1.2, 6.1],
};

/** Published results. Accuracies from before April 2026 never count a sample as right that is free of consistency. */
export const RISE_PUBLISHED: readonly RisePublished[] = [
  ...rows(leaderboard, { source: 'RISEBench README, 2026-05-18', accuracyMode: 'post2026' }),
  {
    model: 'ThinkRL-Edit',
    overall: 29.7,
    reasoning: 61.7,
    source: 'arXiv 2601.03467, quoted',
    accuracyMode: 'legacy',
  },
  ...rows(beforeTheFix, { source: 'RISEBench README before 2026-04', accuracyMode: 'legacy' }),
];

function rows(
  figures: Readonly<Record<string, Figures>>,
  origin: Pick<RisePublished, 'source' | 'accuracyMode'>,
): readonly RisePublished[] {
  return Object.entries(figures).map(([model, values]) => {
    const [temporal, causal, spatial, logical, overall, reasoning, consistency, plausibility] = values;
    return {
      model,
      temporal,
      causal,
      spatial,
      logical,
      overall,
      ...(reasoning !== undefined && { reasoning }),
      ...(consistency !== undefined && { consistency }),
      ...(plausibility !== undefined && { plausibility }),
      ...origin,
    };
  });
}
