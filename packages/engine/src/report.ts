/**
 * The names that {@link useEngine} accepts. `auto` is `torch`, else `wasm` with a notice; `tensorflow` is
 * `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, whichever is installed.
 */
export type EngineName = 'auto' | 'torch' | 'tensorflow' | 'wasm' | 'cpu';

/** What was chosen and what it runs on. */
export interface EngineReport {
  readonly name: Exclude<EngineName, 'auto'>;
  /** libtorch's version, or tfjs's. */
  readonly version: string;
  /** Who brought it. */
  readonly origin: string;
  readonly threads: number;
  /** `cpu` or `cuda:N`. */
  readonly device: string;
  /** Why it is not the engine one would expect, in one line. */
  readonly notice?: string;
}
