import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseMicroConfig, type RunEvent, trainMicro } from '../src/index.ts';
import { linesOf, remains, startJudge } from './faults/processes.ts';
import { watchedJudge } from './faults/watched-judge.ts';

const config = parseMicroConfig({
  seed: 3,
  iterations: 3,
  engine: { threads: 1 },
  tasksPerIteration: 2,
  groupSize: 4,
  evaluation: { tasks: 0 },
  checkpointEvery: 1,
  keepJudgements: true,
});

it('a run whose judge goes away waits, says so, and ends as if it had never been away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'judge-outage-'));
  const requests = join(folder, 'requests');
  let server = await startJudge(requests, 10);
  const { port } = new URL(server.url);
  const judge = await watchedJudge({
    url: server.url,
    log: join(folder, 'asked'),
    concurrency: 4,
    say: () => {},
  });

  const whole = join(folder, 'whole');
  await trainMicro(config, { out: whole, judge });
  const requestsOfWhole = linesOf(requests).length;

  const broken = join(folder, 'broken');
  const notices: string[] = [];
  let changing: Promise<unknown> = Promise.resolve();
  const onEvent = (event: RunEvent) => {
    if (event.type === 'step' && event.report.iteration === 1) changing = server.end();
    if (event.type !== 'notice' || !event.text.startsWith('the judge is away')) return;
    if (notices.push(event.text) > 1) return;
    changing = changing.then(async () => {
      server = await startJudge(requests, 10, Number(port));
    });
  };
  const { summary } = await trainMicro(config, { out: broken, judge, onEvent });
  await changing;
  await server.end();
  expect(summary).not.toBeNull();
  expect(notices[0]).toMatch(/^the judge is away \(instruction: .*connection.*\); asking again in 5 s$/s);
  expect(remains(broken)).toEqual(remains(whole));
  // What the server has answered is not asked again: as many requests as without an outage.
  expect(linesOf(requests).length - requestsOfWhole).toBe(requestsOfWhole);
}, 300_000);
