import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShards } from '@thinkrl/fsdp-shard';
import { expect, it } from 'vitest';
import { ending, startScript, worldVariables } from '../../fsdp-shard/test/ranks/launch.ts';

const STEPS = 8;
const script = new URL('ranks/sharded-run.ts', import.meta.url).href;
const temporary = () => mkdtempSync(join(tmpdir(), 'killed-rank-'));

async function start(folder: string, worldSize: number) {
  const variables = await worldVariables(worldSize);
  return variables.map((env) => startScript(script, [folder, `${STEPS}`], env));
}

async function finished(folder: string, worldSize: number): Promise<string> {
  const ends = await Promise.all((await start(folder, worldSize)).map(ending));
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
function curve(folder: string): readonly (readonly [number, number])[] {
  const lines = readFileSync(join(folder, 'losses.jsonl'), 'utf8').trim().split('\n');
  const steps = lines.map((line) => JSON.parse(line) as { iteration: number; loss: number; norm: number });
  return Array.from({ length: STEPS }, (_, i) => {
    const { loss, norm } = steps.findLast(({ iteration }) => iteration === i + 1)!;
    return [loss, norm];
  });
}

/** Final values of the weights or their averages. */
function valuesOf(folder: string, kind: '' | '.average'): ReadonlyMap<string, Float32Array> {
  const checkpoint = join(folder, 'checkpoints', `step-${STEPS}`);
  const ending = new RegExp(`^generation\\${kind || '.'}(\\d+-of-\\d+\\.|)${kind && '.*'}safetensors$`);
  const files = readdirSync(checkpoint).filter((file) => ending.test(file));
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
