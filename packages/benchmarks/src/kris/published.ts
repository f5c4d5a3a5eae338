import type { KrisSwitches } from './aggregate.ts';

/** A published result on KRIS-Bench, 0 to 100. */
export interface KrisPublished {
  readonly model: string;
  readonly factual?: number;
  readonly conceptual?: number;
  readonly procedural?: number;
  readonly overall?: number;
  readonly source: string;
  /** How its averages weigh; null where that is not known. */
  readonly weighting: KrisSwitches['weighting'] | null;
}

const paper = 'KRIS paper (arXiv 2505.16707), Table 2';
const rerun = 'BAGEL authors, EVAL.md';

/** Published results. Their "overall" mixes two definitions, which differ by about 0.2. */
export const KRIS_PUBLISHED: readonly KrisPublished[] = [
  {
    model: 'GPT-4o (GPT-Image-1)',
    factual: 79.8,
    conceptual: 81.37,
    procedural: 78.32,
    overall: 80.09,
    source: paper,
    weighting: 'sample',
  },
  { model: 'Qwen-Image-Edit-2511', overall: 67.14, source: 'arXiv 2604.25477, quoted', weighting: null },
  { model: 'Gemini 2.0 Flash exp', overall: 62.41, source: paper, weighting: 'sample' },
  { model: 'Doubao', overall: 60.7, source: paper, weighting: 'sample' },
  {
    model: 'BAGEL with CoT',
    factual: 66.18,
    conceptual: 61.92,
    procedural: 49.02,
    overall: 60.18,
    source: rerun,
    weighting: 'value',
  },
  {
    model: 'BAGEL',
    factual: 60.26,
    conceptual: 55.86,
    procedural: 51.69,
    overall: 56.21,
    source: rerun,
    weighting: 'value',
  },
  { model: 'BAGEL-Think', conceptual: 59.44, overall: 53.36, source: paper, weighting: 'sample' },
  { model: 'BAGEL', factual: 47.71, conceptual: 52.17, overall: 47.76, source: paper, weighting: 'sample' },
  {
    model: 'Step1X-Edit',
    factual: 45.52,
    conceptual: 48.01,
    overall: 43.29,
    source: paper,
    weighting: 'sample',
  },
  { model: 'InstructPix2Pix', overall: 22.82, source: paper, weighting: 'sample' },
];

/** Published means of instruction following alone. */
export const KRIS_PUBLISHED_INSTRUCTION: readonly (readonly [
  model: string,
  value: number,
  source: string,
])[] = [
  ['ThinkRL-Edit', 71.16, 'arXiv 2601.03467, quoted'],
  ['Qwen-Image-Edit', 56.54, 'arXiv 2601.03467, quoted'],
];
