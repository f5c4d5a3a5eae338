import type { GroupingFunction } from '@thinkrl/orchestrator';
import { gdpo, pairs, ucpg, weightedSum } from '@thinkrl/ucpg';
import type { MicroConfig } from './config.ts';

/** The grouping that a configuration asks for. */
export function groupingOf({
  method,
  advantage,
  weights,
  deviationFloor,
}: MicroConfig['grouping']): GroupingFunction {
  const floor = { standardDeviationFloor: deviationFloor };
  switch (method) {
    case 'ucpg':
      return (rewards) => ucpg(rewards, { ...floor, advantage });
    case 'sum':
      return (rewards) => weightedSum(rewards, { ...floor, weights });
    case 'gdpo':
      return (rewards) => gdpo(rewards, { ...floor, weights });
    case 'pairs':
      return (rewards) => pairs(rewards);
    default:
      return method satisfies never;
  }
}
