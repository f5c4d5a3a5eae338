import { existsSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics } from '@thinkrl/orchestrator';
import { expect, test } from 'vitest';
import { keptJudgements, linesOf, remains, start, startJudge } from './faults/processes.ts';

const kills = Number(process.env.THINKRL_KILLS ?? 4);
const CONCURRENCY = 4;
const settings = {
  seed: 3,
  iterations: 3 + kills,
  engine: { threads: 1 },
  tasksPerIteration: 1,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 1,
  recordEvery: 1,
  recordShare: 1,
  keepJudgements: true,
};

const PHASES = ['sample', 'judge', 'update', 'save'] as const;
type Phase = (typeof PHASES)[number];

/** A moment to kill at: so many milliseconds after the run first says a word, or after something is so too. */
interface Moment {
  readonly word: string;
  readonly until?: () => boolean;
  readonly delay: number;
}

interface Trained {
  readonly killed: boolean;
  /** What the run said, and when, in milliseconds. */
  readonly said: readonly { readonly word: string; readonly at: number }[];
}

/** Trains, or goes on, in a process of its own, which is killed without a word at the moment. */
async function trained(run: string, world: { url: string; log: string }, moment?: Moment): Promise<Trained> {
  const env = { CONCURRENCY: `${CONCURRENCY}` };
  const words = [run, JSON.stringify(settings), world.url, world.log];
  const { child, onLine, ended } = start('judged-run.ts', words, { env });
  const said: { word: string; at: number }[] = [];
  let due = moment !== undefined;
  onLine((word) => {
    said.push({ word, at: Date.now() });
    if (!due || word !== moment!.word) return;
    due = false;
    const timer = setInterval(() => {
      if (moment!.until?.() === false) return;
      clearInterval(timer);
      setTimeout(() => child.kill('SIGKILL'), moment!.delay);
    }, 1);
  });
  const { status, signal, errors } = await ended;
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(`ended with ${status}: ${errors}`);
  return { killed: signal === 'SIGKILL', said };
}

/** Where a kill fell; null before the first word of an iteration whose pictures had all been judged. */
function phaseAt(run: string, { said }: Trained): Phase | null {
  const word = said.at(-1)?.word;
  if (word === 'judge' || word === 'update') return word;
  if (word !== 'save') return null;
  return isSaved(run) ? 'sample' : 'save';
}

/** Whether the newest iteration has its checkpoint. */
function isSaved(run: string): boolean {
  const { iteration } = readMetrics(join(run, 'metrics.jsonl')).at(-1)!;
  return existsSync(join(run, 'checkpoints', `step-${iteration}`));
}

type Spans = Readonly<Record<Phase, number>>;

/** How much of the time from saving an iteration to judging the next is saving, in a run that has come to its end. */
function savingShare(run: string, { said }: Trained): number {
  const saves = said.flatMap(({ word, at }) => (word === 'save' ? [at] : []));
  const manifest = join(run, 'checkpoints', `step-${settings.iterations}`, 'manifest.json');
  const mean = (saves.at(-1)! - saves[0]!) / (saves.length - 1) - span({ said }, 'judge', 'save')!;
  return Math.min(1, (statSync(manifest).mtimeMs - saves.at(-1)!) / mean);
}

/** Milliseconds from a word to another after it, the last time that both were said. */
function span({ said }: Pick<Trained, 'said'>, from: string, to: string): number | null {
  const end = said.findLastIndex(({ word }) => word === to);
  const begin = said.findLastIndex(({ word }, i) => word === from && i < end);
  return begin < 0 ? null : said[end]!.at - said[begin]!.at;
}

/** How long phases take, as a process has shown last; the machine may be busier by now than it was. */
function spansOf(trained: Trained, saving: number, before?: Spans): Spans {
  const between = span(trained, 'save', 'judge');
  return {
    judge: span(trained, 'judge', 'update') ?? before!.judge,
    update: span(trained, 'update', 'save') ?? before!.update,
    save: between === null ? before!.save : saving * between,
    sample: between === null ? before!.sample : (1 - saving) * between,
  };
}

/** A moment in a phase of a run; `share` of it has passed. */
function momentIn(run: string, phase: Phase, { share, spans }: { share: number; spans: Spans }): Moment {
  const delay = share * spans[phase];
  return phase === 'sample' ? { word: 'save', until: () => isSaved(run), delay } : { word: phase, delay };
}

/** How many of some lines have come before. */
const repeats = (lines: readonly string[]) => lines.length - new Set(lines).size;

test(`a run killed ${kills} times and resumed is the run that was never killed, bit for bit, and judges nothing twice`, {
  timeout: 120_000 + kills * 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thinkrl-killed-'));
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  const requests = join(folder, 'requests');
  const server = await startJudge(requests, 60);
  const world = { url: server.url, log: join(folder, 'asked') };
  const first = await trained(whole, { ...world, log: join(folder, 'asked-by-whole') });
  const saving = savingShare(whole, first);
  let spans = spansOf(first, saving);
  const requestsOfWhole = linesOf(requests).length;

  const fell: Record<string, number> = {};
  for (let kill = 0; kill < kills; kill++) {
    const kept = keptJudgements(broken);
    const before = linesOf(world.log).length;
    // The golden ratio spreads the moments evenly over each phase.
    const share = ((kill + 1) * 0.618034) % 1;
    const moment = momentIn(broken, PHASES[kill % 4]!, { share, spans });
    const outcome = await trained(broken, world, moment);
    expect(outcome.killed).toBe(true);
    spans = spansOf(outcome, saving, spans);
    const phase = phaseAt(broken, outcome) ?? 'again';
    fell[phase] = (fell[phase] ?? 0) + 1;
    const asked = linesOf(world.log).slice(before);
    expect(asked.filter((hash) => kept.has(hash))).toEqual([]);
    expect(repeats(asked)).toBe(0);
  }
  const kept = keptJudgements(broken);
  const before = linesOf(world.log).length;
  await trained(broken, world);
  expect(
    linesOf(world.log)
      .slice(before)
      .filter((hash) => kept.has(hash)),
  ).toEqual([]);
  await server.end();

  const ids = linesOf(requests)
    .slice(requestsOfWhole)
    .map((line) => (JSON.parse(line) as { id: string }).id);
  console.log({
    saving,
    spans,
    fell,
    requests: ids.length,
    again: repeats(ids),
    kept: keptJudgements(broken).size,
  });
  expect(remains(broken)).toEqual(remains(whole));
  expect(keptJudgements(broken)).toEqual(keptJudgements(whole));
  expect(new Set(ids).size).toBe(requestsOfWhole);
  expect(repeats(ids)).toBeLessThanOrEqual(CONCURRENCY * kills);
  if (kills >= 25) for (const phase of PHASES) expect(fell[phase] ?? 0, phase).toBeGreaterThan(0);
});
