// An editor as a program: copies the first input, with the manners that its argument asks for.
import { copyFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const manners = process.argv[2];
for await (const line of createInterface({ input: process.stdin })) {
  const { key, inputs, output, instruction } = JSON.parse(line);
  if (manners === 'die') process.exit(3);
  if (manners === 'mumble') console.log('done!');
  else if (instruction.includes('impossible')) console.log(JSON.stringify({ error: `cannot do ${key}` }));
  else {
    if (manners !== 'forget') copyFileSync(inputs[0], output);
    console.log(JSON.stringify({ output }));
  }
}
