import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { shippedWeights } from '@thinkrl/backbones/micro';
import { useEngine } from '@thinkrl/engine';
import { type MicroTask, sampleTask } from '@thinkrl/microworld';
import { defaultMicroConfig } from '@thinkrl/recipes';
import { type Chain, Key } from '@thinkrl/spec';
import { type Agreement, agreement } from './micro/check.ts';
import { type Contender, createContender } from './micro/contender.ts';
import { promptsForPeer, samplesForPeer, vocabularyForPeer } from './micro/exchange.ts';
import { mean, type Round, speedOf, tableOf } from './micro/figures.ts';
import { Peer } from './micro/peer.ts';
import { clockOf, rest } from './micro/timing.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    'warm-up': { type: 'string', default: '4' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    weights: { type: 'string' },
    python: { type: 'string', default: '/usr/bin/python3' },
    clock: { type: 'string', default: 'wall' },
    check: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);
const clock = clockOf(options.clock);
const config = defaultMicroConfig;
const chainCount = config.tasksPerIteration * config.groupSize;
const root = Key.of(Number(options.seed)).fold('bench');
/** Largest difference in log-probabilities and velocities that still counts as the same computation. */
const TOLERANCE = 1e-4;

interface RoundResult {
  readonly ours: Round;
  readonly theirs: Round;
  /** Largest relative difference in losses and gradient norms of the two updates. */
  readonly updateGap: number;
}

interface Sides {
  readonly contender: Contender;
  readonly peer: Peer;
}

async function main(): Promise<void> {
  const engine = await useEngine({ engine: 'torch', threads });
  const weights = options.weights ?? shippedWeights();
  const contender = await createContender(config, weights);
  const peer = new Peer({ python: options.python, threads });
  try {
    const { torch } = await peer.ask('load', loadRequest(weights));
    const same = await checkAgreement({ contender, peer });
    if (options.check) return;
    const key = root.fold('blas');
    const blasThreads = await peer.chooseBlas(threads, async () => {
      const { rollout } = await peerRollout(peer, tasksOf(key), windowOf(key));
      return rollout;
    });
    const results = await measure({ contender, peer });
    const [ours, theirs] = [results.map((round) => round.ours), results.map((round) => round.theirs)];
    console.log(`\n${tableOf(ours, theirs, chainCount)}\n`);
    const [mine, others] = [speedOf(ours, chainCount), speedOf(theirs, chainCount)];
    console.log(
      JSON.stringify({
        bench: 'micro-loop',
        rounds: results.length,
        chains: chainCount,
        threads,
        clock: options.clock,
        engine: `libtorch ${engine.version}`,
        peer: { torch, blasThreads },
        load: loadavg()[0],
        chainsPerSecond: { thinkrl: mine, pytorch: others },
        ratio: Object.fromEntries(
          Object.entries(mine).map(([name, speed]) => [name, speed / others[name as keyof typeof others]]),
        ),
        agreement: { ...same, update: Math.max(...results.map((round) => round.updateGap)) },
      }),
    );
  } finally {
    peer.close();
  }
}

function loadRequest(weights: string) {
  const { understanding, generation, editing } = config;
  return {
    weights,
    threads,
    clock: options.clock,
    ...vocabularyForPeer(),
    learningRates: [understanding.learningRate, generation.learningRate],
    objectives: [
      { clip: understanding.epsilonLow, beta: understanding.beta },
      { clip: generation.clip, beta: generation.beta },
    ],
    steps: editing.steps,
    eta: editing.eta,
  };
}

async function checkAgreement({ contender, peer }: Sides): Promise<Agreement> {
  const key = root.fold('check');
  const chains = await contender.rollOut({ tasks: tasksOf(key), window: windowOf(key), key });
  const same = await agreement(contender, peer, chains);
  const { tokenCount, editCount, ...gaps } = same;
  const figures = Object.entries(gaps).map(([name, gap]) => `${name} ${gap.toExponential(1)}`);
  console.log(`largest differences on ${tokenCount} tokens and ${editCount} edits: ${figures.join(', ')}`);
  if (Object.values(gaps).some((gap) => !(gap <= TOLERANCE)))
    throw new Error(`the two sides do not compute the same: over ${TOLERANCE}`);
  return same;
}

async function measure(sides: Sides): Promise<readonly RoundResult[]> {
  const results: RoundResult[] = [];
  const warmUp = Number(options['warm-up']);
  for (let round = 0; round < warmUp + Number(options.rounds); round++) {
    const result = await oneRound(sides, round);
    const total = ({ rollout, understanding, generation }: Round) =>
      [rollout, understanding, generation].map((seconds) => seconds.toFixed(3)).join(' + ');
    const note = round < warmUp ? ' (warm-up)' : '';
    console.log(`round ${round}${note}: thinkrl ${total(result.ours)} s, PyTorch ${total(result.theirs)} s`);
    if (round >= warmUp) results.push(result);
  }
  return results;
}

/** Roll-out of both sides on the same tasks, then both updates from the same chains; who goes first alternates. */
async function oneRound({ contender, peer }: Sides, round: number): Promise<RoundResult> {
  const key = root.fold('round').fold(round);
  const [tasks, window] = [tasksOf(key), windowOf(key)];
  const first = round % 2 === 0;
  let ours: TimedRollout | undefined;
  if (first) ours = await ourRollout(contender, { tasks, window, key });
  const theirs = await peerRollout(peer, tasks, window);
  ours ??= await ourRollout(contender, { tasks, window, key });

  const groups = await contender.credit(ours.chains, key.fold('judge'));
  const samples = samplesForPeer(groups);
  const update = async () => {
    await rest();
    const understanding = await timed(() => contender.updateUnderstanding(groups));
    const generation = await timed(() => contender.updateGeneration(groups));
    return { understanding, generation };
  };
  let mine = first ? await update() : undefined;
  await rest();
  const other = await peer.ask('update', samples);
  mine ??= await update();
  return {
    ours: { ...ours.round, understanding: mine.understanding.seconds, generation: mine.generation.seconds },
    theirs: { ...theirs, understanding: other.understanding.seconds, generation: other.generation.seconds },
    updateGap: Math.max(
      ...(['understanding', 'generation'] as const).flatMap((name) =>
        (['loss', 'gradientNorm'] as const).map((field) =>
          relativeGap(mine![name].value[field], other[name][field]),
        ),
      ),
    ),
  };
}

type Rollout = Omit<Round, 'understanding' | 'generation'>;

interface TimedRollout {
  readonly chains: readonly Chain<MicroTask>[];
  readonly round: Rollout;
}

async function ourRollout(
  contender: Contender,
  request: { readonly tasks: readonly MicroTask[]; readonly window: readonly number[]; readonly key: Key },
): Promise<TimedRollout> {
  await rest();
  const { value: chains, seconds } = await timed(() => contender.rollOut(request));
  const reflections = chains.map((chain) => chain.rounds[0]!.reflection);
  return {
    chains,
    round: {
      rollout: seconds,
      planWords: mean(chains.map((chain) => chain.plan!.tokens.length)),
      reflectionWords: mean(reflections.map((reflection) => reflection.tokens.length)),
      fixShare: mean(chains.map((chain) => (chain.rounds[0]!.edit === null ? 0 : 1))),
    },
  };
}

let draws = 0;

async function peerRollout(
  peer: Peer,
  tasks: readonly MicroTask[],
  window: readonly number[],
): Promise<Rollout> {
  await rest();
  const { group, temperature } = { group: config.groupSize, temperature: config.temperature };
  const request = { ...promptsForPeer(tasks), seed: ++draws, group, temperature, window };
  const { seconds, planWords, reflectionWords, fixes } = await peer.ask('rollout', request);
  return { rollout: seconds, planWords, reflectionWords, fixShare: fixes / chainCount };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const start = clock();
  const value = await work();
  return { value, seconds: clock() - start };
}

function relativeGap(a: number, b: number): number {
  return Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), 1e-3);
}

function tasksOf(key: Key): readonly MicroTask[] {
  return Array.from({ length: config.tasksPerIteration }, (_, i) =>
    sampleTask(key.fold('task').fold(i), 'id'),
  );
}

function windowOf(key: Key): readonly number[] {
  const { steps, window } = config.editing;
  const open = Array.from({ length: steps - 1 }, (_, step) => step);
  return key
    .fold('window')
    .stream()
    .sample(open, window)
    .sort((a, b) => a - b);
}

await main();
