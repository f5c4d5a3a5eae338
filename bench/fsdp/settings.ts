/** What both sides of the comparison do. */
export interface Settings {
  readonly width: number;
  readonly blocks: number;
  /** Rows per rank. */
  readonly rows: number;
  readonly warm: number;
  readonly steps: number;
  /** False measures the same step without sharding. */
  readonly shard: boolean;
  readonly fused: boolean;
  readonly vocabulary: number;
  readonly textSlots: number;
  readonly cellWords: readonly number[];
}

/** What rank 0 measured: seconds and CPU seconds of every step. */
export interface Times {
  readonly seconds: readonly number[];
  readonly cpu: readonly number[];
  readonly loss: number;
  readonly version: string;
}
