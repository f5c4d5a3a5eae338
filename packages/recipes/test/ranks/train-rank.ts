// One rank of a small run, with torchrun's variables: train-rank.ts OUT ITERATIONS [RANK]. A rank given last changes one of
// its weights after the first iteration, as a bad memory would.
import { add, engine, type Variable } from '@tensorflow/tfjs-core';
import { parseMicroConfig, type RunEvent, trainMicro } from '../../src/index.ts';

const [out, iterations, perturbed] = process.argv.slice(2);
const config = parseMicroConfig({
  iterations: Number(iterations),
  engine: { name: 'torch', threads: 1 },
  tasksPerIteration: 2,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 1,
});
const onEvent = (event: RunEvent) => {
  if (event.type !== 'step' || event.report.iteration !== 1 || process.env.RANK !== perturbed) return;
  const trained = Object.values(engine().registeredVariables as Record<string, Variable>).find(
    ({ trainable, size }) => trainable && size > 1000,
  )!;
  trained.assign(add(trained, 1e-6));
};
await trainMicro(config, { out: out!, onEvent });
