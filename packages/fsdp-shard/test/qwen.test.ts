import { useEngine } from '@thinkrl/engine';
import { beforeAll, describe, expect, it } from 'vitest';
import { differences, runSharded } from './ranks/launch.ts';
import { runPlain } from './ranks/plain-run.ts';
import type { Outcome, Plan } from './ranks/plan.ts';

const adapter: Partial<Plan> = { lora: true, trainable: 'lora_' };

/** How the models of Qwen-Image-Edit are trained. */
const variants = {
  whole: {},
  checkpointed: { checkpoint: true },
  'an adapter': adapter,
  'an adapter, checkpointed': { ...adapter, checkpoint: true },
  'an adapter, two parts, offloaded': { ...adapter, checkpoint: true, parts: 2, rows: 8, offload: true },
} satisfies Record<string, Partial<Plan>>;

type Variant = keyof typeof variants;

const all = Object.keys(variants) as Variant[];
const worlds: readonly (readonly [number, readonly Variant[]])[] = [
  [1, ['whole', 'an adapter, checkpointed']],
  [2, all],
  [4, ['checkpointed', 'an adapter, checkpointed', 'an adapter, two parts, offloaded']],
];
/** With the learning rates that their recipe starts from. */
const models = { image: 3e-4, language: 1e-5 } as const;

beforeAll(async () => {
  await useEngine({ engine: 'torch', threads: 1 });
});

describe.each(worlds)('the Qwen models over %i processes', (worldSize, names) => {
  const plans = (['image', 'language'] as const).flatMap((model) =>
    names.map((name): Plan => ({ model, steps: 20, learningRate: models[model], ...variants[name] })),
  );
  let ranks: readonly (readonly Outcome[])[];
  beforeAll(async () => {
    ranks = await runSharded(plans, worldSize);
  }, 240_000);

  it.each(plans.map((plan, i) => [`${plan.model}: ${names[i % names.length]}`, i] as const))(
    '%s',
    async (_, index) => {
      const outcome = ranks[0]![index]!;
      const gaps = differences(outcome, await runPlain(plans[index]!, worldSize));
      expect(gaps.losses / Math.max(1, outcome.losses[0]!)).toBeLessThan(1e-6);
      expect(gaps.norms).toBeLessThan(1e-6);
      expect(gaps.parameters).toBeLessThan(1e-6);
      expect(outcome.leaked).toBe(0);
      for (const rank of ranks) expect(differences(outcome, rank[index]!).parameters).toBe(0);
    },
    60_000,
  );

  it('an adapter is also that of one process which takes each batch as a whole', async () => {
    for (const [index, plan] of plans.entries()) {
      if (!plan.lora || plan.parts !== undefined) continue;
      const gaps = differences(ranks[0]![index]!, await runPlain(plan, 1));
      expect(gaps.parameters, JSON.stringify(plan)).toBeLessThan(1e-6);
    }
  }, 60_000);

  it('an adapter costs its gradients and two readings of the weights, those of modulation left out', () => {
    const index = plans.findIndex(({ model, lora }) => model === 'image' && lora);
    const { received, parameterBytes, gradientBytes } = ranks[0]![index]!;
    const most = (2 * parameterBytes * (worldSize - 1)) / worldSize + gradientBytes * (worldSize - 1);
    for (const bytes of received) expect(bytes).toBeLessThanOrEqual(1.05 * most);
  });
});
