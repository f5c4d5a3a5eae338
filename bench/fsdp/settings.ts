/** A way to take the step: not sharded, sharded, or sharded with every step of it where a world of one needs none. */
export type Way = 'plain' | 'sharded' | 'shared alone';

/** What both sides of the comparison do. */
export interface Settings {
  readonly width: number;
  readonly blocks: number;
  /** Rows per rank. */
  readonly rows: number;
  readonly warm: number;
  readonly steps: number;
  /** They take turns in one process, step by step. */
  readonly ways: readonly Way[];
  readonly fused: boolean;
  readonly vocabulary: number;
  readonly textSlots: number;
  readonly cellWords: readonly number[];
}

/** What rank 0 measured of one way: seconds and CPU seconds of every step. */
export interface Times {
  readonly seconds: readonly number[];
  readonly cpu: readonly number[];
}

/** What rank 0 prints: the times of each way, and the PyTorch that was under it. */
export interface Report {
  readonly ways: readonly Times[];
  readonly version: string;
}

/** Passes of two ranks through the micro editor. */
export interface InStepSettings extends Pick<Settings, 'width' | 'blocks' | 'rows'> {
  /** In a turn of one way. */
  readonly passes: number;
  readonly rounds: number;
}

/** With everything whole; as ranks that do the same; inside `inStep`, asking for each unit, and sending ahead. */
export type PassWay = 'whole' | 'even' | 'asked' | 'ahead';

/** Seconds of a pass, by round. */
export type InStepTimes = Readonly<Record<'forward' | 'learning', Readonly<Record<PassWay, number[]>>>>;
