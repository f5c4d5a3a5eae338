// The full-size training step of Qwen-Image-Edit's transformer with an adapter under fullyShard in a world of one (NCCL on a
// GPU, Gloo on a CPU) beside the same without: that both come to the same at tiny sizes, then times and what sharding adds.
// --tiny: sizes that any machine does in seconds; the times then mean nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type Setup, Side } from './gpu/exchange.ts';
import { setups, shareApart } from './gpu/setups.ts';
import { fullSizes, tinySizes } from './gpu/sizes.ts';
import { median } from './median.ts';

const device = process.env.THINKRL_DEVICE ?? 'cuda:0';
const threads = Number(process.env.BENCH_THREADS ?? (device === 'cpu' ? 2 : 8));
const tiny = process.argv.includes('--tiny');
const ROUNDS = tiny ? 1 : 2;
const REPEATS = tiny ? 3 : 4;
const TOLERANCE = 1e-5;

async function trained(setup: Setup, request: { readonly repeats: number; readonly show: boolean }) {
  const side = new Side('ours', setup);
  try {
    return await side.ask({ name: 'train', ...request });
  } finally {
    await side.end();
  }
}

async function agree(folder: string): Promise<boolean> {
  const setup = (await setups(tinySizes(), { folder, same: true, device, threads }))('image');
  // The second step's gradient depends on the first step's update.
  const [whole, sharded] = [
    await trained(setup, { repeats: 2, show: true }),
    await trained({ ...setup, sharded: true }, { repeats: 2, show: true }),
  ];
  const gap = shareApart(sharded.values!, whole.values!);
  console.log(`after two steps a gradient differs by ${gap.toExponential(1)} of its largest number`);
  return gap <= TOLERANCE;
}

async function measure(folder: string): Promise<void> {
  const sizes = tiny ? tinySizes() : fullSizes();
  const setup = (await setups(sizes, { folder, same: false, device, threads }))('image');
  const answers = { whole: [] as Answer[], sharded: [] as Answer[] };
  for (let round = 0; round < ROUNDS; round++)
    for (const kind of ['whole', 'sharded'] as const)
      answers[kind].push(
        await trained({ ...setup, sharded: kind === 'sharded' }, { repeats: REPEATS + 1, show: false }),
      );
  const taken = (list: readonly Answer[]) => median(list.flatMap(({ seconds }) => seconds.slice(1)));
  const [whole, sharded] = [taken(answers.whole), taken(answers.sharded)];
  for (const [kind, list] of Object.entries(answers)) {
    const peak = Math.max(...list.map(({ peak }) => peak ?? 0));
    console.log(
      `${kind.padEnd(8)} ${(1e3 * taken(list)).toFixed(2)} ms a step, ${(peak / 1e9).toPrecision(3)} GB at most`,
    );
  }
  console.log(`sharding in a world of one adds ${(100 * (sharded / whole - 1)).toFixed(1)} % on ${device}`);
}

const folder = await mkdtemp(join(tmpdir(), 'thinkrl-gpu-sharded-'));
try {
  if (await agree(folder)) await measure(folder);
  else {
    console.log('sharded and whole do not come to the same: their times are not compared');
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}
