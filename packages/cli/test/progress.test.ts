import { expect, test } from 'vitest';
import { createOutput } from '../src/output.ts';
import { clock, createProgressBar } from '../src/progress.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { written, output: createOutput(stream, stream, false) };
}

test('clock', () => {
  expect([0, 59.6, 125, 3600, 3725].map(clock)).toEqual(['0:00', '1:00', '2:05', '1:00:00', '1:02:05']);
});

test('without a terminal there is a line every few seconds, and the last state', () => {
  const { written, output } = terminal(false);
  let time = 0;
  const bar = createProgressBar(output, { label: 'train', from: 0, quiet: 5, now: () => time });
  for (let done = 1; done <= 8; done++) {
    time = done * 1000;
    bar.update({ done, total: 10, figures: ['reward 0.5'] });
  }
  bar.finish();
  // 1 s each: 9 s left after the first, 4 s after the sixth (5 s later), 2 s after the last
  expect(written).toEqual([
    'train 1/10  ETA 0:09  reward 0.5\n',
    'train 6/10  ETA 0:04  reward 0.5\n',
    'train 8/10  ETA 0:02  reward 0.5\n',
  ]);
});

test('on a terminal the bar is drawn over itself and never wraps', () => {
  const { written, output } = terminal(true);
  let time = 0;
  const bar = createProgressBar(output, { label: 'train', from: 4, quiet: 5, now: () => time });
  time = 2000;
  bar.update({ done: 5, total: 10, figures: ['x'.repeat(80)] });
  bar.finish();
  const prefix = '\r\x1b[K';
  // one of six iterations took 2 s: five more take 10 s
  expect(written[0]!.startsWith(`${prefix}train [==========          ] 5/10  ETA 0:10`)).toBe(true);
  expect(written[0]!.length - prefix.length).toBe(59);
});
