/** What is scored of a KRIS-Bench sample: visual consistency and quality, instruction following, knowledge. */
export type KrisMetric = 'consistency' | 'quality' | 'instruction' | 'knowledge';

/** The metrics by the short names of the published tables. */
export const KRIS_COLUMNS = {
  VC: 'consistency',
  VQ: 'quality',
  IF: 'instruction',
  KP: 'knowledge',
} as const satisfies Readonly<Record<string, KrisMetric>>;

/** A short name of a metric. */
export type KrisColumn = keyof typeof KRIS_COLUMNS;

/** Which of upstream's evaluation scripts judges a category; their messages and parsers differ. */
export type KrisScript = 'common' | 'viewpoint' | 'knowledge' | 'multi-element' | 'temporal';

/** A category folder of KRIS-Bench. */
export interface KrisCategory {
  readonly name: string;
  readonly dimension: string;
  readonly knowledge: string;
  readonly script: KrisScript;
  /** How many samples the released data has. */
  readonly samples: number;
}

const rows: readonly (readonly [
  dimension: string,
  script: KrisScript,
  folders: Readonly<Record<string, number>>,
])[] = [
  [
    'Attribute Perception',
    'common',
    { count_change: 50, color_change: 50, size_adjustment: 50, part_completion: 50, anomaly_correction: 75 },
  ],
  ['Spatial Perception', 'viewpoint', { viewpoint_change: 50 }],
  ['Spatial Perception', 'common', { position_movement: 50 }],
  ['Temporal Prediction', 'temporal', { temporal_prediction: 74 }],
  ['Social Science', 'knowledge', { humanities: 75, practical_knowledge: 50 }],
  [
    'Natural Science',
    'knowledge',
    { biology: 68, chemistry: 75, geography: 75, mathematics: 50, medicine: 50, physics: 75 },
  ],
  ['Logical Reasoning', 'knowledge', { abstract_reasoning: 75, 'rule-based_reasoning': 75 }],
  ['Instruction Decomposition', 'multi-element', { 'multi-element_composition': 75 }],
  ['Instruction Decomposition', 'common', { 'multi-instruction_execution': 75 }],
];

/** The seven dimensions by the kind of knowledge that they belong to. */
export const KRIS_KNOWLEDGE: Readonly<Record<string, readonly string[]>> = {
  'Factual Knowledge': ['Attribute Perception', 'Spatial Perception', 'Temporal Prediction'],
  'Conceptual Knowledge': ['Social Science', 'Natural Science'],
  'Procedural Knowledge': ['Logical Reasoning', 'Instruction Decomposition'],
};

/** The 20 categories of KRIS-Bench, 1267 samples in all. */
export const KRIS_CATEGORIES: readonly KrisCategory[] = rows.flatMap(([dimension, script, folders]) =>
  Object.entries(folders).map(([name, samples]) => ({
    name,
    dimension,
    knowledge: Object.keys(KRIS_KNOWLEDGE).find((kind) => KRIS_KNOWLEDGE[kind]!.includes(dimension))!,
    script,
    samples,
  })),
);

const byName = new Map(KRIS_CATEGORIES.map((category) => [category.name, category]));

/** The category of a name, or undefined. */
export function krisCategory(name: string): KrisCategory | undefined {
  return byName.get(name);
}

/** The metrics that samples of a category are scored by. */
export function krisMetrics({ script }: KrisCategory): readonly KrisMetric[] {
  return [
    'consistency',
    'quality',
    'instruction',
    ...(script === 'knowledge' ? (['knowledge'] as const) : []),
  ];
}
