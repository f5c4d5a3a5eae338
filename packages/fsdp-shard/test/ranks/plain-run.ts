import * as tf from '@tensorflow/tfjs-core';
import { AdamW, globalNorm, gradients } from '@thinkrl/nn';
import { bytesOf, type Contender, measuredRun, trainedBy, valuesOf } from './measured-run.ts';
import type { Outcome, Plan } from './plan.ts';
import type { Subject } from './subject.ts';
import { subjectOf } from './subject-of.ts';

/**
 * The plan in this process without sharding. `worldSize` says in how many parts the gradients of the batch are taken and
 * then added up, as so many ranks would (node by node where the plan has nodes); 1 takes the batch as a whole.
 */
export async function runPlain(plan: Plan, worldSize: number): Promise<Outcome> {
  const subject = subjectOf(plan);
  if (plan.checkpoint) subject.checkpoint();
  const contender = contenderOf(plan, subject, worldSize);
  const measured = await measuredRun(plan, contender);
  const parameters = await valuesOf(subject.parameters);
  const parameterBytes = bytesOf(subject.parameters);
  contender.optimizer.dispose();
  tf.dispose([...subject.parameters.values()]);
  return { ...measured, parameters, parameterBytes, largestUnitBytes: 0 };
}

function contenderOf(plan: Plan, subject: Subject, worldSize: number): Contender {
  const { rows = 4, parts = 1, learningRate = 1e-4, perNode = worldSize } = plan;
  const trained = trainedBy(plan, subject.parameters);
  const length = rows / worldSize / parts;
  const take = (index: number, from: number) =>
    gradients(
      () => ({ loss: tf.div(subject.loss(index, { from, to: from + length, rows }), parts) as tf.Scalar }),
      trained,
    );
  return {
    optimizer: AdamW.create({ parameters: trained, learningRate }),
    receivedBytes: () => 0,
    async step(index) {
      const ranks = Array.from({ length: worldSize }, (_, rank) =>
        added(
          Array.from({ length: parts }, (_, part) => withLoss(take(index, (rank * parts + part) * length))),
        ),
      );
      const nodes = Array.from({ length: worldSize / perNode }, (_, node) =>
        added(ranks.slice(node * perNode, (node + 1) * perNode)),
      );
      const sum = added(nodes);
      // As in a flat vector, and where blocks run again: what a step does not use has a gradient of 0 and is decayed.
      for (const [name, variable] of trained) if (!sum.has(name)) sum.set(name, tf.zerosLike(variable));
      const mean = new Map([...sum].map(([name, tensor]) => [name, tf.div(tensor, worldSize)]));
      tf.dispose([...sum.values()]);
      const loss = (await mean.get(LOSS)!.data())[0]!;
      mean.get(LOSS)!.dispose();
      mean.delete(LOSS);
      const square = globalNorm([...mean.values()]);
      const norm = (await square.data())[0]!;
      square.dispose();
      return { loss, norm, gradients: mean };
    },
  };
}

const LOSS = ' loss';

function withLoss({ loss, gradients: named }: ReturnType<typeof gradients>): Map<string, tf.Tensor> {
  return new Map<string, tf.Tensor>([[LOSS, loss], ...named]);
}

/** Sums by name, added up in order; the arguments are disposed. */
function added(maps: readonly ReadonlyMap<string, tf.Tensor>[]): Map<string, tf.Tensor> {
  const [first, ...rest] = maps;
  let sum = new Map(first!);
  for (const map of rest) {
    const next = new Map([...sum].map(([name, tensor]) => [name, tf.add(tensor, map.get(name)!)]));
    tf.dispose([...sum.values(), ...map.values()]);
    sum = next;
  }
  return sum;
}
