import type { EngineReport } from '@thinkrl/engine';
import type { Evaluation } from '@thinkrl/orchestrator';
import type { StepReport } from '@thinkrl/spec';

/** What a run tells while it goes on. */
export type RunEvent =
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'engine'; readonly engine: EngineReport }
  | { readonly type: 'folder'; readonly path: string; readonly resumedFrom: number }
  | {
      readonly type: 'evaluation';
      readonly when: 'before' | 'after';
      readonly split: string;
      readonly evaluation: Evaluation;
    }
  | { readonly type: 'step'; readonly iterations: number; readonly report: StepReport }
  | {
      readonly type: 'pretraining';
      readonly part: string;
      readonly step: number;
      readonly steps: number;
      readonly losses: Readonly<Record<string, number>>;
      readonly seconds: number;
    }
  | { readonly type: 'stopped'; readonly iteration: number; readonly path: string }
  | { readonly type: 'report'; readonly path: string };

/** Is told of every event of a run. */
export type RunListener = (event: RunEvent) => void;

/** How a run is watched and stopped. */
export interface RunControls {
  /** Ends the run, saved: sampling, judging and evaluation at once, an update after it. */
  readonly signal?: AbortSignal;
  readonly onEvent?: RunListener;
}
