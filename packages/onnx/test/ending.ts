// Ends the process in the way that its argument names, with runs under way or without.
import { setTimeout as sleep } from 'node:timers/promises';
import { loadNetwork } from '@thinkrl/onnx';
import { slowFeed, slowModel, tinyModel } from './models.ts';

const [how] = process.argv.slice(2);
if (how === 'idle') {
  const network = await loadNetwork({ model: tinyModel() });
  const { y } = await network.run({ x: { data: new Float32Array([1, 2]), dims: [1, 2] } });
  console.log(y!.data[0]);
} else {
  const network = await loadNetwork({ model: slowModel(), workers: 2 });
  for (let i = 0; i < 4; i++) network.run(slowFeed()).catch(() => {});
  await sleep(50);
  if (how === 'exit') process.exit(0);
  throw new Error('thrown on purpose');
}
