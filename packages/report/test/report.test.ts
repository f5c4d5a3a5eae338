import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildReport, type ChainsFile, ReportError } from '../src/index.ts';
import { writeRun } from './synthetic-run.ts';

const count = (text: string, part: string) => text.split(part).length - 1;

describe('a complete run folder', () => {
  let run: string;
  let page: string;
  beforeAll(async () => {
    run = await writeRun();
    page = await readFile(await buildReport(run), 'utf8');
  });

  test('shows one card per recorded chain, two steps of two tasks with four chains', () => {
    expect(count(page, '<section class="task">')).toBe(4);
    expect(count(page, '<article class="chain')).toBe(16);
  });

  test('says who was left out and why', () => {
    expect(count(page, 'left out: conflict')).toBe(4);
    expect(page).toContain('against 1 it is better in instruction and worse in consistency');
  });

  test('shows what the judge asked on its own: 3 answers agree in chain 3, 2 in chain 0', () => {
    expect(page).toContain('edited (asked by the judge)');
    expect(count(page, 'checklist: 3 of 3 as expected')).toBe(12);
    expect(count(page, 'checklist: 2 of 3 as expected')).toBe(4);
  });

  test('ranks the best chain first: chain 3 of kept [0, 1, 3]', () => {
    const section = page.slice(page.indexOf('<section class="task">'));
    expect([...section.matchAll(/<b>chain (\d)<\/b>/g)].slice(0, 4).map((match) => match[1])).toEqual([
      '3',
      '1',
      '0',
      '2',
    ]);
  });

  test('escapes every text', () => {
    expect(page).toContain('show the &quot;candle&quot; &amp; &lt;b&gt;two&lt;/b&gt; hours later');
    expect(page).not.toContain('<low>');
  });

  test('asks for nothing outside itself', () => {
    expect(page).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(page).not.toContain('<script');
  });

  test('gives the change in points: 57.0 - 42.3', () => {
    expect(page).toContain('>+14.7<');
    expect(page).toContain('>\u22120.4<');
  });

  test('says how the judge behaved and what is suspicious', () => {
    const section = page.slice(page.indexOf('<h2>The judge</h2>'), page.indexOf('<h2>Curves</h2>'));
    expect(section).toContain('<li>2 chains speak to the judge</li>');
    for (const value of ['73.4 %', '25.0 %', '90.0 % of 600, kappa 0.80', '0.063 (40 pictures)'])
      expect(section).toContain(`<td>${value}</td>`);
  });

  test('says that the conflict judge misleads', () => {
    expect(page).toContain('built to mislead');
  });

  test('shares the picture of a stage that left it as it was', async () => {
    const file = JSON.parse(await readFile(join(run, 'chains', 'step-20.json'), 'utf8')) as ChainsFile;
    const pictures = file.groups[0]!.chains.map((chain) => chain.stages.map((stage) => stage.picture));
    expect(pictures[0]).toEqual(['step-20/0-0-0.png', 'step-20/0-0-0.png']);
    expect(pictures[1]).toEqual(['step-20/0-1-0.png', 'step-20/0-1-1.png']);
  });
});

describe('a run folder with holes', () => {
  test('an empty folder gives a page that says what is missing', async () => {
    const page = await readFile(await buildReport(await mkdtemp(join(tmpdir(), 'thinkrl-report-'))), 'utf8');
    for (const name of ['config.json', 'metrics.jsonl', 'summary.json'])
      expect(page).toContain(`${name} is not there`);
    expect(page).toContain('chains/ holds no recorded chains');
  });

  test('damaged parts are named and the rest is shown', async () => {
    const run = await writeRun();
    await writeFile(join(run, 'summary.json'), '{"seed": "three"}');
    await writeFile(join(run, 'metrics.jsonl'), '{"iteration":1,"keptShare":0.5}\n{"iterat');
    await writeFile(join(run, 'chains', 'step-20.json'), '{"version":2}');
    await rm(join(run, 'chains', 'step-40', '0-reference.png'));
    const page = await readFile(await buildReport(run), 'utf8');
    expect(page).toContain('summary.json is not as expected at seed');
    expect(page).toContain('metrics.jsonl line 2 is damaged');
    expect(page).toContain('chains/step-20.json is not as expected at version');
    expect(page).toContain('picture chains/step-40/0-reference.png is not there');
    expect(count(page, '<article class="chain')).toBe(8);
  });

  test('a picture path cannot leave the run folder', async () => {
    const run = await writeRun();
    const path = join(run, 'chains', 'step-40.json');
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replaceAll('step-40/0-truth.png', '../../secret.png'),
    );
    expect(await readFile(await buildReport(run), 'utf8')).toContain(
      'picture chains/../../secret.png is not there',
    );
  });

  test('no folder, or a file in the way, is a ReportError', async () => {
    await expect(buildReport('/nowhere/at/all')).rejects.toThrow(ReportError);
    const run = await mkdtemp(join(tmpdir(), 'thinkrl-report-'));
    await mkdir(join(run, 'report', 'index.html'), { recursive: true });
    await expect(buildReport(run)).rejects.toThrow(/cannot be written/);
  });
});
