import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { useEngine } from '@thinkrl/engine';
import {
  blockCase,
  type Case,
  decodeCase,
  denoiseCase,
  editorStep,
  understanderStep,
} from './engine/cases.ts';
import { microData, peerSettings } from './engine/data.ts';
import { overhead } from './engine/overhead.ts';
import { median } from './median.ts';
import { Peer } from './micro/peer.ts';
import { clockOf, rest } from './micro/timing.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: '/usr/bin/python3' },
    clock: { type: 'string', default: 'wall' },
  },
});
const threads = Number(options.threads);
const clock = clockOf(options.clock);
/** Seconds that one side works on a case before it is the other's turn. */
const TURN = 0.25;

const engine = await useEngine({ engine: 'torch', threads });
const peer = new Peer({ python: options.python, threads });
try {
  const { torch } = await peer.ask('load', peerSettings(threads, options.clock));
  const { plain, taped } = overhead();
  console.log(
    `per operation: ${plain.toFixed(2)} us forward, ${taped.toFixed(2)} us on the tape (forward and backward)\n`,
  );
  console.log('| work | thinkrl, ms | PyTorch, ms | ours / theirs |\n|---|---|---|---|');
  const ratios: number[] = [];
  for (const make of await allCases()) {
    const work = make();
    const { ours, theirs } = await compare(work);
    work.dispose();
    ratios.push(ours / theirs);
    const cells = [work.title, ms(ours), ms(theirs), (ours / theirs).toFixed(2)];
    console.log(`| ${cells.join(' | ')} |`);
  }
  const geometricMean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  console.log(`| geometric mean | | | ${geometricMean.toFixed(2)} |\n`);
  const wasm = await besideWasm();
  console.log(
    `${wasm.title}: ${ms(wasm.torch)} ms here, ${ms(wasm.wasm)} on tfjs wasm, ${(wasm.wasm / wasm.torch).toFixed(0)} times as long\n`,
  );
  const { clock: name } = options;
  const setting = { threads, clock: name, engine: `libtorch ${engine.version}`, peer: torch };
  console.log(
    JSON.stringify({
      bench: 'engine',
      ...setting,
      load: loadavg()[0],
      geometricMean,
      ratios,
      wasm: wasm.wasm / wasm.torch,
    }),
  );
} finally {
  peer.close();
}

/** Each case as a function that makes it, so that one at a time holds memory. */
async function allCases(): Promise<readonly (() => Case)[]> {
  const data = await microData();
  return [
    () => blockCase({ batch: 16, tokens: 160, width: 128, heads: 4 }),
    () => blockCase({ batch: 4, tokens: 64, width: 128, heads: 4 }),
    () => blockCase({ batch: 4, tokens: 256, width: 384, heads: 6 }),
    () => editorStep(data),
    () => understanderStep(data),
    ...[1, 16, 64].map((batch) => () => decodeCase(data, batch)),
    () => denoiseCase(data),
  ];
}

/** Median seconds of one run on either side; the sides take turns, and who goes first alternates. */
async function compare(work: Case): Promise<{ readonly ours: number; readonly theirs: number }> {
  await peer.ask('prepare', work.request);
  const repeats = Math.max(1, Math.min(200, Math.ceil(TURN / (await calibrate(work)))));
  await peer.chooseBlas(threads, async () => median((await peer.ask('time', { repeats })).seconds));
  const ours: number[] = [];
  const theirs: number[] = [];
  const turns = [
    async () => ours.push(...(await ourTimes(work, repeats))),
    async () => theirs.push(...(await peer.ask('time', { repeats })).seconds),
  ];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const turn of round % 2 === 0 ? turns : [...turns].reverse()) {
      await rest();
      await turn();
    }
  }
  return { ours: median(ours), theirs: median(theirs) };
}

/** Median seconds of one run of the first case on our engine and on tfjs's own for processors. */
async function besideWasm(): Promise<{
  readonly title: string;
  readonly torch: number;
  readonly wasm: number;
}> {
  const seconds = async (name: 'torch' | 'wasm', repeats: number) => {
    await useEngine({ engine: name, threads });
    const work = blockCase({ batch: 16, tokens: 160, width: 128, heads: 4 });
    await ourTimes(work, 1);
    const time = median(await ourTimes(work, repeats));
    work.dispose();
    return { title: work.title, time };
  };
  const [torch, wasm] = [await seconds('torch', 20), await seconds('wasm', 3)];
  return { title: torch.title, torch: torch.time, wasm: wasm.time };
}

/** Seconds of one run here, warmed up. */
async function calibrate(work: Case): Promise<number> {
  await ourTimes(work, 3);
  return Math.max(1e-5, median(await ourTimes(work, 3)));
}

async function ourTimes(work: Case, repeats: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const start = clock();
    await work.run();
    times.push(clock() - start);
  }
  return times;
}

function ms(seconds: number): string {
  return (seconds * 1e3).toFixed(3);
}
