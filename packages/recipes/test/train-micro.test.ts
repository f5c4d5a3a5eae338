import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics } from '@thinkrl/orchestrator';
import type { StepReport } from '@thinkrl/spec';
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

it('has no scores where no task is evaluated', async () => {
  const out = join(temporary(), 'run');
  const config = parseMicroConfig({
    ...{ iterations: 1, tasksPerIteration: 2, groupSize: 4, mode: 'plan' },
    ...{ engine: { threads: 1 }, evaluation: { tasks: 0 } },
  });
  const events: string[] = [];
  const { summary, report } = await trainMicro(config, { out, onEvent: ({ type }) => events.push(type) });
  expect(events).not.toContain('evaluation');
  const { before, after, perCategory, iterations } = summary!;
  expect({ before, after, perCategory, iterations }).toEqual({
    ...{ before: {}, after: {}, perCategory: {}, iterations: 1 },
  });
  expect(readFileSync(report!, 'utf8')).toContain('The summary holds no evaluation.');
});

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

it('trains by a judge that learned to see, and reports how far it is from the exact one', async () => {
  const out = join(temporary(), 'run');
  const config = parseMicroConfig({
    iterations: 2,
    eyes: 'learned',
    tasksPerIteration: 4,
    groupSize: 4,
    evaluation: { tasks: 2 },
    engine: { threads: 1 },
  });
  const disagreements: (number | undefined)[] = [];
  const { summary } = await trainMicro(config, {
    out,
    onEvent: (event) => {
      if (event.type === 'step') disagreements.push(event.report.oracle.disagreement);
    },
  });
  expect(summary).not.toBeNull();
  expect(disagreements).toHaveLength(2);
  for (const disagreement of disagreements) {
    expect(disagreement).toBeGreaterThanOrEqual(0);
    expect(disagreement).toBeLessThan(0.15);
  }
});

it('keeps judgements on request: what is done again after a lost checkpoint is not asked again', async () => {
  const out = join(temporary(), 'run');
  const config = parseMicroConfig({
    iterations: 2,
    tasksPerIteration: 2,
    groupSize: 4,
    editing: { steps: 2 },
    engine: { threads: 1 },
    evaluation: { tasks: 0 },
    keepJudgements: true,
  });
  const { summary } = await trainMicro(config, { out });
  const steps = (): readonly StepReport[] =>
    readFileSync(join(out, 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as StepReport);
  const journal = () => {
    const [file, ...others] = readdirSync(join(out, 'judgements'));
    expect(others).toEqual([]);
    return readFileSync(join(out, 'judgements', file!), 'utf8');
  };
  const [before, kept] = [steps(), journal()];
  // A header, then each picture of 2 x 8 chains: the first edits, and the second ones where there are any.
  const records = kept.split('\n').length - 2;
  expect(records).toBeGreaterThanOrEqual(16);
  expect(records).toBeLessThanOrEqual(32);
  const counted = before.reduce((sum, { guard }) => sum + guard!.expectYes! + guard!.expectNo!, 0);
  expect(summary!.guard).toMatchObject({ answers: counted, addressed: 0 });

  rmSync(join(out, 'checkpoints'), { recursive: true });
  await resumeMicro(out);
  expect(journal()).toBe(kept);
  const bare = (reports: readonly StepReport[]) => reports.map(({ seconds: _, ...report }) => report);
  expect(bare(steps())).toEqual(bare(before));
});
