import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShards } from '@thinkrl/fsdp-shard';
import { expect, it } from 'vitest';
import { ending, startScript, worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';

const STEPS = 8;
const script = new URL('ranks/sharded-run.ts', import.meta.url).href;
const temporary = () => mkdtempSync(join(tmpdir(), 'killed-rank-'));

async function start(folder: string, worldSize: number, steps = STEPS) {
  const variables = await worldVariables(worldSize);
  return variables.map((env) => startScript(script, [folder, `${steps}`], env));
}

async function finished(folder: string, worldSize: number, steps = STEPS): Promise<string> {
  const ends = await Promise.all((await start(folder, worldSize, steps)).map(ending));
  expect(ends.map(({ errors }) => errors)).toEqual(ends.map(() => ''));
  return folder;
}

/** A run of two ranks of which the second is killed once it has saved its fourth step, and what the first said to it. */
async function broken(folder: string) {
  const [first, second] = (await start(folder, 2)) as [
    ReturnType<typeof startScript>,
    ReturnType<typeof startScript>,
  ];
  let killed = 0;
  second.stdout!.on('data', (text: Buffer) => {
    if (/^4$/m.test(text.toString())) killed = second.kill('SIGKILL') ? performance.now() : 0;
  });
  const [{ code, errors }] = await Promise.all([ending(first), ending(second)]);
  return { code, errors, seconds: (performance.now() - killed) / 1000 };
}

/** Loss and gradient norm of every step, those of the last time it was done. */
function curve(folder: string, length = STEPS): readonly (readonly [number, number])[] {
  const lines = readFileSync(join(folder, 'losses.jsonl'), 'utf8').trim().split('\n');
  const steps = lines.map((line) => JSON.parse(line) as { iteration: number; loss: number; norm: number });
  return Array.from({ length }, (_, i) => {
    const { loss, norm } = steps.findLast(({ iteration }) => iteration === i + 1)!;
    return [loss, norm];
  });
}

/** Final values of the weights or their averages. */
function valuesOf(folder: string, kind: '' | '.average'): ReadonlyMap<string, Float32Array> {
  const checkpoint = join(folder, 'checkpoints', `step-${STEPS}`);
  const own = new RegExp(`^generation${kind}(\\.\\d+-of-\\d+)?\\.safetensors$`);
  const files = readdirSync(checkpoint).filter((file) => own.test(file));
  const opened = openShards(files.map((file) => join(checkpoint, file)));
  const values = new Map([...opened.tensors].map(([name, { data }]) => [name, data as Float32Array]));
  opened.close();
  return values;
}

function largestGap(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  expect([...b.keys()].sort()).toEqual([...a.keys()].sort());
  const gaps = [...a].map(([name, values]) =>
    values.reduce((most, value, i) => Math.max(most, Math.abs(value - b.get(name)![i]!)), 0),
  );
  return Math.max(...gaps);
}

it('a sharded run of 2 that lost a rank goes on in a world of 1 and of 4 as if nothing had been', async () => {
  const whole = await finished(temporary(), 2);
  const folder = temporary();
  const { code, errors, seconds } = await broken(folder);
  expect(code).toBe(1);
  expect(errors).toMatch(/rank 1.* has gone/);
  expect(seconds).toBeLessThan(30);
  for (const worldSize of [1, 4]) {
    const place = temporary();
    cpSync(folder, place, { recursive: true });
    await finished(place, worldSize);
    curve(place).forEach(([loss, norm], step) => {
      const [expectedLoss, expectedNorm] = curve(whole)[step]!;
      expect(Math.abs(loss - expectedLoss)).toBeLessThan(1e-6);
      expect(Math.abs(norm - expectedNorm)).toBeLessThan(1e-6);
    });
    for (const kind of ['', '.average'] as const)
      expect(largestGap(valuesOf(whole, kind), valuesOf(place, kind))).toBeLessThan(1e-6);
  }
}, 300_000);

const kills = Number(process.env.THINKRL_KILLS ?? 0);

it.skipIf(kills === 0)(
  `a sharded run of which a rank is killed ${kills} times, in worlds of 2, 4 and 1 in turn, is the run that was not`,
  async () => {
    const steps = STEPS * (1 + kills);
    const whole = await finished(temporary(), 2, steps);
    const folder = temporary();
    for (let kill = 1; kill <= kills; kill++) {
      const ranks = await start(folder, [2, 4, 1][kill % 3]!, steps);
      const victim = ranks[kill % ranks.length]!;
      // The golden ratio spreads the moments evenly over some steps.
      const delay = 500 * ((kill * 0.618034) % 1);
      victim.stdout!.once('data', () => setTimeout(() => victim.kill('SIGKILL'), delay));
      const ends = await Promise.all(ranks.map(ending));
      expect(ends.map(({ code }) => code)).toEqual(ranks.map((rank) => (rank === victim ? null : 1)));
    }
    await finished(folder, 4, steps);
    curve(folder, steps).forEach(([loss], step) => {
      expect(Math.abs(loss - curve(whole, steps)[step]![0])).toBeLessThan(1e-6);
    });
  },
  120_000 + kills * 60_000,
);
