import { type MicroTask, sampleTask } from '@thinkrl/microworld';
import { collect, diagnose, type GroupingDiagnosis } from '@thinkrl/orchestrator';
import { type JudgedChain, Key } from '@thinkrl/spec';
import { collectingOf } from './assemble-micro.ts';
import type { MicroConfig } from './config.ts';
import type { RunControls } from './event.ts';
import { groupingOf } from './grouping.ts';
import { loadModels, type ModelSource } from './micro-models.ts';
import { startEngine } from './start-engine.ts';

/** Where the first updates of each grouping would push. */
export interface MicroDiagnosis {
  /** Chains by class: right, idle or wrong. */
  readonly counts: Readonly<Record<string, number>>;
  readonly groupings: readonly GroupingDiagnosis[];
  /** Groupings under which an idle sample gains at least as much as a right one: a long run would collapse onto it. */
  readonly collapsing: readonly string[];
}

/** What to diagnose. */
export interface DiagnoseOptions extends RunControls, ModelSource {
  /** Groups to sample; more give steadier means. */
  readonly groups: number;
}

/** Mean advantage of right, idle and wrong samples under every grouping at the starting policy; no training. */
export async function diagnoseMicro(config: MicroConfig, options: DiagnoseOptions): Promise<MicroDiagnosis> {
  await startEngine(config, options.onEvent ?? (() => {}));
  const models = await loadModels(options);
  const key = Key.of(config.seed).fold('diagnose');
  const tasks = Array.from({ length: options.groups }, (_, i) => sampleTask(key.fold(i), 'id'));
  const collecting = { ...collectingOf(models, { ...config, mode: 'plan' }), tasksPerSample: 8 };
  const { judged } = await collect(collecting, { tasks, stochastic: [], key });
  const groupings = diagnose<MicroTask>({ judged, classOf, groupings: rivals(config) });
  const counts: Record<string, number> = { right: 0, idle: 0, wrong: 0 };
  for (const member of judged) counts[classOf(member)]! += 1;
  const collapsing = groupings
    .filter(({ advantages }) => (advantages.idle ?? Number.NEGATIVE_INFINITY) >= (advantages.right ?? 0))
    .map(({ grouping }) => grouping);
  return { counts, groupings, collapsing };
}

function classOf({ stages }: JudgedChain<MicroTask>): 'right' | 'idle' | 'wrong' {
  const oracle = stages[0]!.oracle!;
  if (oracle.strict === 1) return 'right';
  return oracle.idle === 1 ? 'idle' : 'wrong';
}

function rivals({ grouping }: MicroConfig) {
  const of = (changes: Partial<MicroConfig['grouping']>) => groupingOf({ ...grouping, ...changes });
  return {
    sum: of({ method: 'sum', weights: [1, 1, 1] }),
    'sum 4,1,1': of({ method: 'sum', weights: [4, 1, 1] }),
    gdpo: of({ method: 'gdpo', weights: [1, 1, 1] }),
    ucpg: of({ method: 'ucpg', advantage: 'sum', lead: 'none' }),
    'ucpg rank': of({ method: 'ucpg', advantage: 'rank', lead: 'none' }),
    'ucpg lead': of({ method: 'ucpg', advantage: 'sum', lead: 'instruction' }),
    pairs: of({ method: 'pairs' }),
  };
}
