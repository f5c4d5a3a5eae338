import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseMicroConfig, trainMicro } from '@thinkrl/recipes';
import { expect, it } from 'vitest';

it('runs the example of the README', async () => {
  const config = parseMicroConfig({
    mode: 'plan',
    iterations: 1,
    tasksPerIteration: 2,
    groupSize: 4,
    evaluation: { tasks: 8 },
  });
  const out = join(mkdtempSync(join(tmpdir(), 'thinkrl-')), 'first');
  const { summary, report } = await trainMicro(config, { out }); // report: a web page with curves and chains
  expect(summary).toMatchObject({ recipe: 'micro', mode: 'plan', iterations: 1 });
  expect(report).toBe(join(out, 'report', 'index.html'));
});
