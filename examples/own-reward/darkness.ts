import type { MicroTask } from '@thinkrl/microworld';
import type { Reward } from '@thinkrl/orchestrator';
import type { Image } from '@thinkrl/spec';

/** How dark a picture is: 1 for black. */
export function darkness({ data }: Image): number {
  return 1 - data.reduce((sum, value) => sum + value, 0) / data.length;
}

/** A taste: the darker the better, whatever was asked. */
export const darknessReward: Reward<MicroTask> = {
  dimensions: ['darkness'],
  judge: async (chains) =>
    chains.map((chain) => ({ chain, stages: [{ rewards: [darkness(chain.first.image)], answers: [] }] })),
};
