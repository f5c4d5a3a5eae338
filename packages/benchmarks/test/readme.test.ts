import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityEditor, loadRise, replayJudge, riseBenchmark, runBenchmark } from '@thinkrl/benchmarks';
import { expect, it } from 'vitest';
import { fixturePath } from './fixture.ts';

it('runs the example of the README', async () => {
  const [data, answers] = [fixturePath('rise', 'data'), fixturePath('rise')];
  const out = await mkdtemp(join(tmpdir(), 'thinkrl-readme-'));

  // `data` is the benchmark's folder; a judge behind a server is servedJudge(createServedModel({ baseURL, model })).
  const bench = riseBenchmark(await loadRise(data), { accuracyMode: 'post2026' });
  const judge = await replayJudge(`${answers}/judge_answers.json`);
  const { report } = await runBenchmark(bench, { out, editor: identityEditor(), judge });
  const [accuracy] = report.tables;
  console.log(accuracy!.rows[0]); // the editor that changes nothing; published rows follow
  expect(accuracy!.rows[0]!.name).toBe('identity');
  expect(JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))).toEqual(report);
});
