/** One training iteration of ThinkRL-Edit on every GPU, for an editor of stacked blocks and a language model. */
export interface Workload {
  /** Bytes of the editor's frozen weights, bf16. */
  readonly editorBytes: number;
  readonly blocks: number;
  readonly width: number;
  /** FLOP per token of one forward pass without attention. */
  readonly flopsPerToken: number;
  /** Tokens of picture, references and text. */
  readonly tokens: number;
  /** Bytes of the planner's weights, bf16, whole on every GPU. */
  readonly plannerBytes: number;
  /** Tokens a plan or a reflection takes. */
  readonly words: number;
  /** LoRA parameters of the editor: 16 bytes each for fp32 weight, gradient and two moments. */
  readonly adapterParameters: number;
  readonly tasksPerGpu: number;
  readonly groupSize: number;
  readonly denoisingSteps: number;
  /** Denoising steps that are trained on. */
  readonly window: number;
  /** Chains sampled, or trained on, in one forward pass. */
  readonly sampledAtOnce: number;
  readonly trainedAtOnce: number;
  /** Share of first edits whose reflection asks for a second one. */
  readonly fixShare: number;
  /** Share of chains that the grouping keeps. */
  readonly keptShare: number;
  readonly questionsPerPicture: number;
  /** Yes/no answers per second of one judge server. */
  readonly answersPerJudge: number;
}

/**
 * Qwen-Image-Edit at 512 px with one reference, LoRA of rank 64 on twelve modules, guidance in every step (two passes),
 * groups of 16. The share kept is UCPG's on two to three rewards; the judge's rate is assumed.
 */
export const qwenImageEdit: Workload = {
  editorBytes: 40.86e9,
  blocks: 60,
  width: 3072,
  flopsPerToken: 13.6e9,
  tokens: 1024 + 1024 + 400,
  plannerBytes: 16.58e9,
  words: 200,
  adapterParameters: 424.7e6,
  tasksPerGpu: 2,
  groupSize: 16,
  denoisingSteps: 10,
  window: 4,
  sampledAtOnce: 8,
  trainedAtOnce: 1,
  fixShare: 0.4,
  keptShare: 0.5,
  questionsPerPicture: 6,
  answersPerJudge: 60,
};

/** FLOP of one forward pass over one sequence: every token through the weights, and attention between all of them. */
export function forwardFlops({ flopsPerToken, tokens, width, blocks }: Workload): number {
  return flopsPerToken * tokens + 4 * tokens ** 2 * width * blocks;
}
