import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { buildReport } from '../src/index.ts';
import { writeRun } from './synthetic-run.ts';

function findChromium(): string | null {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {}
  }
  return null;
}

const chromium = findChromium();

/** Written into a copy of the page: what the browser made of it. */
const probe = `<script>
const width = document.documentElement.clientWidth;
document.body.dataset.found = JSON.stringify({
  cards: document.querySelectorAll('.chain').length,
  curves: document.querySelectorAll('.chart svg polyline.mean').length,
  broken: [...document.images].filter((image) => image.naturalWidth !== 32).length,
  overflow: document.documentElement.scrollWidth - width,
});
</script>`;

test.skipIf(chromium === null)(
  `the page renders in Chromium without console errors${chromium === null ? ' (skipped: no Chromium is installed)' : ''}`,
  async () => {
    const page = await readFile(await buildReport(await writeRun()), 'utf8');
    const folder = await mkdtemp(join(tmpdir(), 'thinkrl-browser-'));
    const copy = join(folder, 'page.html');
    await writeFile(copy, page.replace('</body>', `${probe}</body>`));
    const options = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--enable-logging=stderr',
      '--window-size=1000,900',
    ];
    const { stdout, stderr } = await promisify(execFile)(
      chromium!,
      [...options, `--user-data-dir=${folder}`, '--virtual-time-budget=5000', '--dump-dom', `file://${copy}`],
      { maxBuffer: 2 ** 26 },
    );
    const found = /data-found="([^"]*)"/.exec(stdout)?.[1]?.replaceAll('&quot;', '"');
    // reward 3, oracle 2, shares 3, KL 1 + 2 (gap at iteration 5), entropy 1, norms 1 + 2, clipped 1 + 2, seconds 3
    expect(JSON.parse(found!)).toEqual({ cards: 16, curves: 21, broken: 0, overflow: 0 });
    expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([]);
  },
);
