import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '@thinkrl/engine';
import { AdamW, clipScale, globalNorm, gradients } from '@thinkrl/nn';
import { expect, it } from 'vitest';
import { runRanks } from './ranks/launch.ts';
import { trainedBy, valuesOf } from './ranks/measured-run.ts';
import type { Plan } from './ranks/plan.ts';
import { subjectOf } from './ranks/subject-of.ts';

interface Found {
  readonly looks: readonly number[];
  readonly norm: number;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly leaked: number;
  readonly failure: string | null;
}

it('ranks that look and learn unevenly find what one process does, and hear of a failure', async () => {
  await useEngine({ engine: 'torch', threads: 1 });
  const plan: Plan = { model: 'image', steps: 0, lora: true, trainable: 'lora_' };
  const uneven = { ...plan, looks: [3, 1, 0], passes: [0, 3, 1] };
  const ranks = (await runRanks<Found>('uneven-rank.ts', [uneven], 3)).map(([found]) => found!);

  const subject = subjectOf(plan);
  subject.checkpoint();
  const trained = trainedBy(plan, subject.parameters);
  const lossOf = (step: number, from: number) => subject.loss(step, { from, to: from + 1, rows: 4 });
  for (const [rank, { looks, leaked, failure }] of ranks.entries()) {
    const expected = uneven.looks.slice(rank, rank + 1).flatMap((count) => [...Array(count).keys()]);
    expect(looks).toEqual(expected.map((look) => tf.tidy(() => lossOf(look, rank)).dataSync()[0]));
    expect(leaked).toBe(0);
    expect(failure).toBe(rank === 1 ? 'no more room' : null);
  }

  // Ranks 1 and 2 learn from rows 0, 1, 2 and 0 of batch 9; rank 0 counts with zeros.
  const { gradients: slopes } = gradients(() => {
    const losses = [0, 1, 2, 0].map((row) => lossOf(9, row));
    return { loss: tf.div(tf.addN(losses), 3) as tf.Scalar };
  }, trained);
  const norm = (await globalNorm([...slopes.values()]).data())[0]!;
  AdamW.create({ parameters: trained, learningRate: 1e-2 }).step(slopes, {
    gradientScale: clipScale(norm, 1),
  });
  const alone = await valuesOf(trained);
  for (const { norm: found, parameters } of ranks) {
    expect(Math.abs(found / norm - 1)).toBeLessThan(1e-6);
    for (const [name, values] of Object.entries(alone))
      values.forEach((value, i) => {
        // Where a slope is as good as 0, AdamW's first step goes by its sign; elsewhere both agree.
        if (Math.abs(slopes.get(name)!.dataSync()[i]!) > 1e-6)
          expect(Math.abs(parameters[name]![i]! - value)).toBeLessThan(1e-5);
      });
  }
}, 120_000);
