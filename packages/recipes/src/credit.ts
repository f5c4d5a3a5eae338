import type { CreditOptions } from '@thinkrl/orchestrator';
import { groupingOf } from './grouping.ts';
import type { GroupingSettings } from './settings.ts';

/** The settings that decide what each stage of a chain is credited with. */
interface CreditSettings {
  readonly grouping: GroupingSettings;
  readonly credit: CreditOptions['mode'];
  readonly editsPerPlan: number;
}

/** The credit that a configuration asks for. */
export function creditOf({ grouping, credit, editsPerPlan }: CreditSettings): CreditOptions {
  return {
    group: groupingOf(grouping),
    mode: credit,
    improvementFloor: grouping.deviationFloor,
    editsPerPlan,
  };
}
