import { parseArgs } from 'node:util';
import { loadMicro, shippedWeights } from '@thinkrl/backbones/micro';
import { useEngine } from '@thinkrl/engine';
import { sampleTask } from '@thinkrl/microworld';
import { Key, type Utterance } from '@thinkrl/spec';
import { median } from './median.ts';

const { values: options } = parseArgs({
  options: {
    group: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '15' },
    threads: { type: 'string', default: '2' },
  },
});
const group = Number(options.group);
const sampling = { temperature: 1 };

await useEngine({ engine: 'torch', threads: Number(options.threads) });
const { policy } = await loadMicro({ weights: shippedWeights() });
const times = { together: [] as number[], alone: [] as number[] };
for (let round = 0; round < Number(options.rounds); round++) {
  const task = sampleTask(Key.of(round), 'id');
  const keys = Key.of(round).fold('plans').split(group);
  const together = await timed(times.together, () => plans(task, keys));
  const alone = await timed(times.alone, async () => {
    const one = [];
    for (const key of keys) one.push(...(await plans(task, [key])));
    return one;
  });
  if (together.some(({ text }, i) => text !== alone[i]!.text))
    throw new Error(`round ${round}: plans differ`);
}
const [together, alone] = [median(times.together), median(times.alone)];
console.log(
  `plans of ${group} chains, ${options.rounds} tasks, the same words either way: ${ms(together)} ms with one prompt, ` +
    `${ms(alone)} ms each alone, ${(alone / together).toFixed(1)} times faster`,
);

async function plans(
  task: ReturnType<typeof sampleTask>,
  keys: readonly Key[],
): Promise<readonly Utterance[]> {
  const session = await policy.begin([task], keys.length);
  try {
    return await session.plan({ sampling, keys });
  } finally {
    session.dispose();
  }
}

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  into.push(performance.now() - start);
  return result;
}

function ms(value: number): string {
  return value.toFixed(1);
}
