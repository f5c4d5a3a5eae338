import type { GroupingFunction } from '@thinkrl/orchestrator';
import { gdpo, pairs, type UcpgOptions, ucpg, weightedSum } from '@thinkrl/ucpg';
import type { GroupingSettings } from './settings.ts';

/** The rewards as UCPG's lead. */
const leads = {
  none: {},
  instruction: { lead: 0 },
  consistency: { lead: 1 },
  quality: { lead: 2 },
} satisfies Record<GroupingSettings['lead'], UcpgOptions>;

/** The grouping that a configuration asks for. */
export function groupingOf({
  method,
  advantage,
  lead,
  weights,
  deviationFloor,
}: GroupingSettings): GroupingFunction {
  const floor = { standardDeviationFloor: deviationFloor };
  switch (method) {
    case 'ucpg':
      return (rewards) => ucpg(rewards, { ...floor, advantage, ...leads[lead] });
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
