// 10,000 judgements kept on disk by a process that is killed at ten random moments and begun again, against a server that
// heeds idempotency keys and one that does not. Exits with 1 where a judgement was lost, wrong, asked after it was kept,
// or asked twice of the server that heeds keys.
import { interruptedRun } from './interrupted-run.ts';

const settings = { judgements: 10_000, kills: 10, seed: 1, latency: 20 };
for (const [server, remember] of Object.entries({ 'heeds keys': 10_000, 'knows no keys': 0 })) {
  const { last, ...result } = await interruptedRun({ ...settings, remember });
  console.log(`server that ${server}: ${JSON.stringify(result)}; the last run: ${JSON.stringify(last)}`);
  const whole = result.neverAsked + last.wrong + result.askedAfterwards === 0;
  if (!whole || (remember > 0 && result.askedTwice > 0)) process.exitCode = 1;
}
