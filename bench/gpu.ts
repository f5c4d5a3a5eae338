// Full-size Qwen-Image-Edit and Qwen2.5-VL in bfloat16 with made-up weights at 512 pixels, beside PyTorch eager in the same
// run: first both compute the same at tiny sizes, then a table of times and rates, then the bars. Neither device holds both
// sides' weights, so a side has them in a process of its own and the sides take turns.
// --tiny: sizes that any machine does in seconds; the bars then mean nothing and are not held.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { broken } from './gpu/bars.ts';
import { type Answer, type Setup, Side, type SideName } from './gpu/exchange.ts';
import { setups, shareApart } from './gpu/setups.ts';
import {
  CASES,
  type CaseName,
  fullSizes,
  type ModelName,
  type Sizes,
  tinySizes,
  workOf,
} from './gpu/sizes.ts';
import { print, type Row } from './gpu/table.ts';
import { median } from './median.ts';

const device = process.env.THINKRL_DEVICE ?? 'cuda:0';
const threads = Number(process.env.BENCH_THREADS ?? (device === 'cpu' ? 2 : 8));
const tiny = process.argv.includes('--tiny');
const ROUNDS = 2;
const SIDES: readonly SideName[] = ['ours', 'peer'];
const MODELS = Object.keys(CASES) as readonly ModelName[];

/** Runs of a case in one turn after the first, which warms up. */
const REPEATS: Readonly<Record<CaseName, number>> = tiny
  ? { product: 2, denoise: 2, sample: 1, train: 1, prefill: 2, decode: 2 }
  : { product: 10, denoise: 10, sample: 2, train: 3, prefill: 10, decode: 20 };

/** Largest difference of the sides at tiny sizes, in float32, as a share of the largest number. */
const TOLERANCE = 1e-3;

/** How a turn runs its cases. */
interface TurnOptions {
  /** Runs of each case. */
  readonly repeats: (name: CaseName) => number;
  /** Whether answers hold what was computed. */
  readonly show: boolean;
}

/** Runs the cases of a model on one side and ends it. */
async function turn(name: SideName, setup: Setup, { repeats, show }: TurnOptions) {
  const side = new Side(name, setup);
  const answers = new Map<CaseName, Answer>();
  try {
    for (const entry of CASES[setup.model])
      answers.set(entry, await side.ask({ name: entry, repeats: repeats(entry), show }));
    return { answers, version: await side.version };
  } finally {
    await side.end();
  }
}

/** Whether both sides come to the same at tiny sizes with the same weights. */
async function agree(folder: string): Promise<boolean> {
  const setup = await setups(tinySizes(), { folder, same: true, device, threads });
  const once: TurnOptions = { repeats: () => 1, show: true };
  let same = true;
  for (const model of MODELS.filter((name) => name !== 'product')) {
    const ours = await turn('ours', setup(model), once);
    const peer = await turn('peer', setup(model), once);
    for (const [name, { values }] of ours.answers) {
      const gap = shareApart(values!, peer.answers.get(name)!.values!);
      console.log(`${name}: the sides differ by ${gap.toExponential(1)} of the largest number`);
      if (!(gap <= TOLERANCE)) same = false;
    }
  }
  return same;
}

async function measure(folder: string, sizes: Sizes): Promise<readonly Row<CaseName>[]> {
  const setup = await setups(sizes, { folder, same: false, device, threads });
  const rows: Row<CaseName>[] = [];
  const timed: TurnOptions = { repeats: (name) => REPEATS[name] + 1, show: false };
  for (const model of MODELS) {
    const seconds = new Map<string, number[]>();
    const peaks = new Map<string, number | null>();
    for (let round = 0; round < ROUNDS; round++)
      for (const side of SIDES) {
        const { answers, version } = await turn(side, setup(model), timed);
        console.log(
          `${model}, round ${round + 1}: ${side === 'ours' ? 'ours on libtorch' : 'PyTorch'} ${version}`,
        );
        for (const [name, answer] of answers) {
          const before = seconds.get(`${side} ${name}`) ?? [];
          seconds.set(`${side} ${name}`, [...before, ...answer.seconds.slice(1)]);
          peaks.set(`${side} ${name}`, answer.peak);
        }
      }
    for (const name of CASES[model]) {
      const of = (side: SideName) => ({
        seconds: median(seconds.get(`${side} ${name}`)!),
        peak: peaks.get(`${side} ${name}`)!,
      });
      rows.push({ name, work: workOf(name, sizes), ours: of('ours'), peer: of('peer') });
    }
  }
  return rows;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-gpu-'));
  try {
    if (!(await agree(folder))) {
      console.log('the sides do not compute the same: their times are not compared');
      process.exitCode = 1;
      return;
    }
    const rows = await measure(folder, tiny ? tinySizes() : fullSizes());
    print(rows, `on ${device}, bfloat16; medians`);
    if (tiny) return;
    for (const line of broken(rows)) {
      console.log(`bar not met: ${line}`);
      process.exitCode = 1;
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

await main();
