import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StepReport } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { parseMicroConfig, trainMicro } from '../src/index.ts';

/** One iteration of the whole loop, as small as it gets, and what it reports. */
async function oneIteration(name: 'torch' | 'wasm' | 'cpu'): Promise<StepReport> {
  const out = join(mkdtempSync(join(tmpdir(), 'engines-')), name);
  const config = parseMicroConfig({
    iterations: 1,
    tasksPerIteration: 2,
    groupSize: 3,
    editing: { steps: 2 },
    engine: { name, threads: 1 },
    evaluation: { tasks: 0 },
    generation: { beta: 0.5 },
  });
  await trainMicro(config, { out });
  return JSON.parse(readFileSync(join(out, 'metrics.jsonl'), 'utf8')) as StepReport;
}

describe('an iteration of the loop', () => {
  it('samples the same chains and takes the same steps on every engine', async () => {
    const torch = await oneIteration('torch');
    expect(torch.understanding!.samples).toBeGreaterThan(0);
    for (const name of ['wasm', 'cpu'] as const) {
      const other = await oneIteration(name);
      expect(other.rewards, name).toEqual(torch.rewards);
      for (const module of ['understanding', 'generation'] as const) {
        const [ours, theirs] = [torch[module]!, other[module]!];
        expect(theirs.samples).toBe(ours.samples);
        expect(theirs.loss).toBeCloseTo(ours.loss, 4);
        expect(theirs.gradientNorm / ours.gradientNorm).toBeCloseTo(1, 3);
      }
    }
  }, 120_000);
});
