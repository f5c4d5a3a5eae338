import { main } from '@thinkrl/cli';
import { expect, test } from 'vitest';

test('the README example runs', async () => {
  const lines: string[] = [];
  const stdout = { write: (text: string) => lines.push(text) };
  const status = await main(['train', '--understanding.learningrate', '1e-4', '--json'], { stdout });
  const problem = JSON.parse(lines[0] ?? '{}') as { message: string };
  console.log(status, problem.message);
  expect(status).toBe(2);
  expect(problem.message).toBe(
    'thinkrl: no such option: --understanding.learningrate; did you mean --understanding.learningRate?',
  );
});
