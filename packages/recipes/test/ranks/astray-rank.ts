// One rank of a run, with torchrun's variables: `OUT SETTINGS RANK`. That rank changes one of its weights after the first
// iteration, as a bad memory would.
import { add, engine, type Variable } from '@tensorflow/tfjs-core';
import { parseMicroConfig, type RunEvent, trainMicro } from '../../src/index.ts';

const [out, settings, astray] = process.argv.slice(2) as [string, string, string];
const onEvent = (event: RunEvent) => {
  if (event.type !== 'step' || event.report.iteration !== 1 || process.env.RANK !== astray) return;
  const variables = Object.values(engine().registeredVariables as Record<string, Variable>);
  const weight = variables.find(({ trainable, size }) => trainable && size > 1000)!;
  weight.assign(add(weight, 1e-6));
};
await trainMicro(parseMicroConfig(JSON.parse(settings)), { out, onEvent });
