import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics } from '@thinkrl/orchestrator';
import { expect, it } from 'vitest';
import { type MicroOverrides, parseMicroConfig, resumeMicro, trainMicro } from '../src/index.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'train-micro-'));

it('leaves no run folder when the weights cannot be loaded', async () => {
  const config = parseMicroConfig({ engine: { name: 'cpu', threads: 1 } });
  const out = join(temporary(), 'run');
  await expect(trainMicro(config, { out, weights: join(out, 'none.safetensors') })).rejects.toMatchObject({
    code: 'BACKBONES_MICRO_WEIGHTS',
  });
  expect(existsSync(out)).toBe(false);
});

it('draws only texts that parse and end in time when it is told to', async () => {
  const settings = { iterations: 2, tasksPerIteration: 2, groupSize: 4, evaluation: { tasks: 0 } };
  // At temperature 3 free texts hardly ever parse.
  const loose = { ...settings, temperature: 3, recordEvery: 1, recordShare: 1 };
  const drawn = async (name: string, config: MicroOverrides) => {
    const out = join(temporary(), name);
    await trainMicro(parseMicroConfig(config), { out });
    const reports = readMetrics(join(out, 'metrics.jsonl'));
    // On policy: the first ratio is exactly 1 in both modules, and the gap to the sampler is in the metrics.
    for (const { understanding, generation } of reports) {
      expect(understanding).toMatchObject({ firstRatioGap: 0, rolloutGap: expect.closeTo(0, 4) });
      expect(generation).toMatchObject({ firstRatioGap: 0, rolloutGap: expect.closeTo(0, 6) });
    }
    return reports.reduce(
      (sum, { dropped }) => sum + dropped.unparsablePlans! + dropped.unparsableReflections!,
      0,
    );
  };
  expect(await drawn('free', loose)).toBeGreaterThan(0);
  expect(await drawn('constrained', { ...loose, constrained: true })).toBe(0);
  expect(await drawn('stopped', { ...loose, constrained: true, stop: { mostTokens: 7, after: ['.'] } })).toBe(
    0,
  );
}, 120_000);

it.each(['{"config": {"se', 'null', '{}'])(
  'refuses to resume from a config.json that is %s',
  async (text) => {
    const root = temporary();
    writeFileSync(join(root, 'config.json'), text);
    await expect(resumeMicro(root)).rejects.toMatchObject({
      code: 'ORCHESTRATOR_RUN_FOLDER',
      message: expect.stringContaining('holds no run to resume'),
    });
  },
);
