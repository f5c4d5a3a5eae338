import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildReport } from '@thinkrl/report';
import { expect, test } from 'vitest';

test('the README example runs', async () => {
  const run = await mkdtemp(join(tmpdir(), 'run-'));
  await writeFile(
    join(run, 'metrics.jsonl'),
    '{"iteration":1,"rewards":{"instruction":0.7}}\n{"iteration":2,"rewards":{"instruction":0.8}}\n',
  );
  const page = await buildReport(run);
  expect(await readFile(page, 'utf8')).toContain('Reward as the policy sees it');
});
