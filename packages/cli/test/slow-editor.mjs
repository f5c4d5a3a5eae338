// An editor that takes a second for each picture.
import { copyFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

process.on('SIGINT', () => {});
for await (const line of createInterface({ input: process.stdin })) {
  const { inputs, output } = JSON.parse(line);
  await sleep(1000);
  copyFileSync(inputs[0], output);
  console.log(JSON.stringify({ output }));
}
