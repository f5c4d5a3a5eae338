/** A category of RISEBench. */
export interface RiseCategory {
  /** As in the annotation. */
  readonly name: string;
  /** As in result tables. */
  readonly title: string;
  /** Before the names of its subtasks in result tables. */
  readonly prefix: string;
  readonly samples: number;
  readonly subtasks: readonly string[];
}

/** The four categories with their subtasks, in the order of upstream's tables; 360 samples in all. */
export const RISE_CATEGORIES: readonly RiseCategory[] = [
  {
    name: 'temporal_reasoning',
    title: 'Temporal',
    prefix: 'Temp',
    samples: 85,
    subtasks: ['Life Progression', 'Material Progression', 'Environmental Cycles', 'Societal Transformation'],
  },
  {
    name: 'causal_reasoning',
    title: 'Causal',
    prefix: 'Causal',
    samples: 90,
    subtasks: [
      'Structural Deformation',
      'State Transition',
      'Chemical and Biological Transformation',
      'Physics Manifestation',
    ],
  },
  {
    name: 'spatial_reasoning',
    title: 'Spatial',
    prefix: 'Spa',
    samples: 100,
    subtasks: [
      'Component Assembly',
      'Object Arrangement',
      'Viewpoint Generation',
      'Structural Inference',
      'Layout Reasoning',
    ],
  },
  {
    name: 'logical_reasoning',
    title: 'Logical',
    prefix: 'Logic',
    samples: 85,
    subtasks: ['Pattern Prediction', 'Mathematical Derivation', 'Puzzle Solving'],
  },
];
