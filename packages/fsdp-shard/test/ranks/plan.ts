/** A micro editor that trains in a moment. */
export const SMALL = { width: 16, blocks: 1 };

/** What the ranks of a test do. */
export interface Plan {
  /** The micro editor unless given; tiny models of the fixtures. */
  readonly model?: 'micro' | 'image' | 'language';
  /** Of the micro editor; {@link SMALL} unless given. */
  readonly size?: { readonly width: number; readonly blocks: number };
  /** Whether there is an adapter. */
  readonly lora?: boolean;
  readonly steps: number;
  /** Rows of the batch, shared out over the ranks; 4 unless given. */
  readonly rows?: number;
  /** Whether blocks run again for their gradients. */
  readonly checkpoint?: boolean;
  /** Parts that a rank's rows are taken in, with one communication for all. */
  readonly parts?: number;
  /** Ranks that share the parameters out, the others repeat it; all unless given. */
  readonly perNode?: number;
  readonly reshardAfterForward?: boolean;
  readonly storage?: 'bfloat16';
  readonly offload?: boolean;
  /** Whether a world of one is shared out all the same. */
  readonly shareAlone?: boolean;
  /** Names that get gradients, as a regular expression; all unless given. */
  readonly trainable?: string;
  readonly learningRate?: number;
  /** Steps before the clock starts. */
  readonly warm?: number;
}

/** What a rank found. */
export interface Outcome {
  /** Mean over ranks and parts, by step. */
  readonly losses: readonly number[];
  /** Global gradient norm, by step. */
  readonly norms: readonly number[];
  /** Final values by parameter. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly parameterBytes: number;
  /** Bytes received, by step. */
  readonly received: readonly number[];
  /** Most bytes that were live during the last step, and bytes live after it. */
  readonly peakBytes: number;
  readonly restBytes: number;
  readonly largestUnitBytes: number;
  /** Bytes of gradients between backward pass and optimiser step. */
  readonly gradientBytes: number;
  readonly secondsPerStep: number;
  /** Tensors that a step leaves behind. */
  readonly leaked: number;
}
