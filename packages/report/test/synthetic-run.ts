import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answer, EditTask, Group, Image, JudgedChain, Judgement, Utterance } from '@thinkrl/spec';
import { encode } from 'fast-png';
import { type RunSummary, writeChains } from '../src/index.ts';

const side = 32;

/** A picture of coloured 8x8 cells, a different one for every seed. */
function paint(seed: number): Image {
  const data = new Float32Array(side * side * 3);
  for (let i = 0; i < side * side; i++) {
    const cell = Math.floor(i / side / 8) * 4 + Math.floor((i % side) / 8);
    for (let c = 0; c < 3; c++) data[i * 3 + c] = ((cell * 7 + seed * 5 + c * 3) % 11) / 10;
  }
  return { width: side, height: side, data };
}

/** PNG bytes of a picture. */
function png(image: Image): Uint8Array {
  const data = Uint8Array.from(image.data, (value) => Math.round(255 * value));
  return encode({ width: image.width, height: image.height, data, channels: 3, depth: 8 });
}

const questions = [
  { id: 'q1', text: 'Is there a <low> candle at c2?', expected: 'yes' },
  { id: 'q2', text: 'Did a1 change?', expected: 'no' },
] as const;

function task(id: string): EditTask {
  const checklist = { questions, source: 'synthetic' };
  const instruction = `show the "candle" & <b>two</b> hours later (${id})`;
  return { id, references: [paint(0)], instruction, category: 'temporal', checklist };
}

function utterance(text: string): Utterance {
  return { text, tokens: new Int32Array(0), logProbs: new Float32Array(0), steps: [text], wellFormed: true };
}

function judgement(rewards: readonly number[], right: boolean): Judgement {
  const answers: Answer[] = [
    { questionId: 'q1', reply: right ? 'yes' : 'no', agrees: right },
    { questionId: 'q2', reply: 'no', agrees: true },
    { questionId: 'edited', reply: 'yes', agrees: true },
  ];
  return { rewards, answers, oracle: { instruction: right ? 1 : 0.5, strict: right ? 1 : 0 } };
}

const rewards = [
  [0.5, 0.8, 0.9],
  [0.8, 0.9, 0.9],
  [0.9, 0.5, 0.7],
  [1, 1, 0.95],
];

function judged(of: EditTask, index: number): JudgedChain {
  const trajectory = { sigmas: [1, 0], shape: [1], states: [], stochastic: [], logProbs: [] };
  const edit = (seed: number) => ({
    condition: { references: of.references, text: '' },
    image: paint(seed),
    trajectory,
  });
  const fixes = index % 2 === 1;
  const reflection = {
    ...utterance(fixes ? 'put low candle c2 .' : 'ok'),
    verdict: fixes ? ('fix' as const) : ('ok' as const),
  };
  const first = judgement(rewards[index]!, index > 1);
  return {
    chain: {
      task: of,
      index,
      plan: utterance('change low candle c2 .'),
      first: edit(index + 1),
      rounds: [{ reflection, edit: fixes ? edit(index + 11) : null }],
    },
    stages: [first, fixes ? judgement([1, 0.9, 0.9], true) : first],
  };
}

function group(id: string): Group {
  const of = task(id);
  return {
    task: of,
    members: rewards.map((_, index) => judged(of, index)),
    credit: [
      { method: 'ucpg', advantages: [-1.3, 0.2, 0, 1.1], kept: [0, 1, 3], degenerate: null },
      { method: 'improvement', advantages: [0, 1, 0, 0.4], kept: [3, 1], degenerate: null },
    ],
  };
}

const outcomes = rewards.map((_, index) => ({
  reason: index === 2 ? 'conflict' : 'kept',
  text: index === 2 ? 'left out: against 1 it is better in instruction and worse in consistency' : 'kept',
  conflicts: index === 2 ? [0, 1] : [],
  equal: [],
}));

function metricsLine(iteration: number): string {
  const rise = 1 - Math.exp(-iteration / 20);
  const part = { kl: 0.01 * rise, gradientNorm: 0.5, clipFraction: 0, loss: 0 };
  return JSON.stringify({
    iteration,
    rewards: {
      instruction: 0.6 + 0.2 * rise + 0.03 * Math.sin(iteration * 2.3),
      consistency: 0.9,
      quality: 0.95,
    },
    oracle: { instruction: 0.7 + 0.1 * rise, strict: 0.4 + 0.2 * rise, idle: 0.1 - 0.08 * rise },
    keptShare: 0.75,
    chains: 64,
    dropped: {},
    fixShare: 0.4 + 0.1 * Math.sin(iteration),
    understanding: { ...part, entropy: 1.2 - 0.5 * rise },
    generation: iteration === 5 ? null : part,
    seconds: { sample: 1, judge: 0.1, update: 0.9 },
  });
}

const summary: RunSummary = {
  seed: 3,
  iterations: 60,
  seconds: { train: 123.4, eval: 20 },
  before: { id: { if: 74, strict: 42.3, consistency: 96.9, quality: 97.1 }, ood: { if: 70.4, strict: 26.5 } },
  after: { id: { if: 79.9, strict: 57, consistency: 96.5, quality: 96.9 }, ood: { if: 78, strict: 40 } },
  perCategory: { temporal: { before: { strict: 40 }, after: { strict: 61 } } },
  engine: 'torch 1.13.1 cpu',
  chainsPerSecond: 33.4,
  keptShare: 0.75,
  guard: {
    yesShare: { expectYes: 0.734, expectNo: 0.25 },
    answers: 4096,
    addressed: 2,
    agreement: [{ left: 'small', right: 'large', questions: 600, rate: 0.9, kappa: 0.8 }],
    repeats: { pictures: 40, repeats: 8, deviation: 0.0625 },
    suspicions: [{ kind: 'addressed', text: '2 chains speak to the judge' }],
  },
};

/** Writes a complete run folder: 60 iterations, two recorded steps of two tasks with four chains each. */
export async function writeRun(): Promise<string> {
  const run = await mkdtemp(join(tmpdir(), 'thinkrl-report-'));
  await mkdir(join(run, 'chains'));
  await writeFile(
    join(run, 'config.json'),
    JSON.stringify({ recipe: 'micro', config: { seed: 3, mode: 'full', judge: 'conflict' } }),
  );
  await writeFile(join(run, 'summary.json'), JSON.stringify(summary));
  const lines = Array.from({ length: 60 }, (_, i) => metricsLine(i + 1));
  await writeFile(join(run, 'metrics.jsonl'), `${lines.join('\n')}\n`);
  for (const iteration of [20, 40]) {
    await writeChains(run, [group(`t${iteration}a`), group(`t${iteration}b`)], {
      iteration,
      dimensions: ['instruction', 'consistency', 'quality'],
      encode: png,
      truth: () => paint(9),
      explain: () => outcomes,
    });
  }
  return run;
}
