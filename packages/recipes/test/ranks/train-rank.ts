// One rank of a small run, with torchrun's variables: train-rank.ts OUT ITERATIONS.
import { parseMicroConfig, trainMicro } from '../../src/index.ts';

const [out, iterations] = process.argv.slice(2);
const config = parseMicroConfig({
  iterations: Number(iterations),
  engine: { name: 'torch', threads: 1 },
  tasksPerIteration: 2,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 1,
});
await trainMicro(config, { out: out! });
