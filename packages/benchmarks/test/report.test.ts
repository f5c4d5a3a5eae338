import { expect, it } from 'vitest';
import { type BenchmarkReport, htmlReport, markdownReport, textTable } from '../src/index.ts';

const report: BenchmarkReport = {
  title: 'Bench: <b>me</b> & | you',
  facts: { judge: 'gpt_4*' },
  notComparable: [],
  tables: [
    {
      title: 'T',
      columns: ['A', 'B'],
      counts: ['B'],
      rows: [
        { name: 'ours', cells: [1.005, null] },
        { name: 'theirs', cells: [2, 3], note: 'a "paper"' },
      ],
    },
  ],
  notes: ['line\nbreak'],
};

it('is Markdown in which foreign text stays text', () => {
  expect(markdownReport(report).split('\n')).toEqual([
    '# Bench: \\<b\\>me\\</b\\> & \\| you',
    '',
    '**Comparable with the published rows that share its switches.**',
    '',
    '- judge: gpt\\_4\\*',
    '',
    '## T',
    '',
    '|  | A | B | source |',
    '| --- | ---: | ---: | --- |',
    '| ours | 1.00 | - |  |',
    '| theirs | 2.00 | 3 | a "paper" |',
    '',
    '## Notes',
    '',
    '- line break',
    '',
    '',
  ]);
});

it('is HTML in which foreign text stays text', () => {
  const page = htmlReport(report);
  expect(page).toContain('<h1>Bench: &lt;b&gt;me&lt;/b&gt; &amp; | you</h1>');
  expect(page).toContain(
    '<tr><td>theirs</td><td>2.00</td><td>3</td><td class="note">a &quot;paper&quot;</td></tr>',
  );
  expect(page).not.toContain('<script');
});

it('says in capitals what is not comparable, and why', () => {
  const text = markdownReport({ ...report, notComparable: ['own prompts', '3 of 9 samples'] });
  expect(text).toContain('**NOT COMPARABLE with published numbers: own prompts; 3 of 9 samples.**');
});

it('has tables that are aligned as plain text', () => {
  expect(textTable(report.tables[0]!)).toEqual([
    'T',
    '           A  B',
    'ours    1.00  -',
    'theirs  2.00  3',
  ]);
});
