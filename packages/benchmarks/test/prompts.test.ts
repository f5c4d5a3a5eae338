import { createHash } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  KRIS_OWN_PROMPTS,
  KRIS_PROMPTS,
  loadPromptBook,
  PromptError,
  RISE_OWN_PROMPTS,
  RISE_PROMPTS,
} from '../src/index.ts';
import { pythonFormat } from '../src/prompt-book.ts';
import { pythonStrings } from '../src/python-module.ts';
import { write } from './kris-folder.ts';

describe('pythonStrings', () => {
  it('finds the text constants of a module and nothing else', () => {
    const source = [
      '"""A module',
      'hidden = "inside"',
      '"""',
      'import os',
      "single = 'it\\'s'",
      'double="a\\tb"  # a comment',
      'three = """two',
      'lines with "marks" and \\"more\\"',
      '"""',
      'other = r"""raw \\n"""',
      "unicode = u'\\u00e9\\x41\\U0001f600'",
      'joined = """a \\',
      'b"""',
      'number = 4',
      'formatted = f"{number}"',
      'def f():',
      '    local = "no"',
      'odd = "\\N{DASH}"',
      'unended = "x',
      'last = """ok"""',
    ].join('\r\n');
    expect(Object.fromEntries(pythonStrings(source))).toEqual({
      single: "it's",
      double: 'a\tb',
      three: 'two\nlines with "marks" and "more"\n',
      other: 'raw \\n',
      unicode: 'éA😀',
      joined: 'a b',
      last: 'ok',
    });
  });
});

describe('pythonFormat', () => {
  it('fills in as str.format does', () => {
    expect(pythonFormat('{{"score": {n}}} {n}{{', { n: '{x}$&' })).toBe('{"score": {x}$&} {x}$&{');
  });

  it.each(['{missing}', '{', 'a } b', '{}', '{0}'])('refuses %s as str.format does', (template) => {
    expect(() => pythonFormat(template, { n: '1' })).toThrow(PromptError);
  });
});

describe('loadPromptBook', () => {
  it('finds the prompts in a checkout, and sees whether they are the originals', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thinkrl-checkout-'));
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const texts = { prompt_a: 'Look at {instruct}.\n', prompt_b: 'As {{it}} stands' };
    const module = Object.entries(texts).map(([name, text]) => `${name} = """${text}"""\n`);
    await write(join(folder, 'utils', 'prompts.py'), module.join('\n'));
    const hashes = { prompt_a: hash(texts.prompt_a), prompt_b: hash(texts.prompt_b) };
    const source = { files: ['prompts.py', 'utils/prompts.py'], hashes };
    const book = await loadPromptBook(folder, source);
    expect(book.original).toBe(true);
    expect(book.name).toMatch(/^original prompts of .*prompts\.py$/);
    expect(book.render('prompt_a', { instruct: 'this' })).toBe('Look at this.\n');
    expect(book.render('prompt_b', null)).toBe('As {{it}} stands');
    expect(() => book.render('prompt_c', null)).toThrow(PromptError);
    const changed = { ...source, hashes: { ...hashes, prompt_b: hash('another') } };
    const file = join(folder, 'utils', 'prompts.py');
    expect(await loadPromptBook(file, changed)).toMatchObject({
      original: false,
      name: `changed prompts of ${file}`,
    });
    const lacking = { ...source, hashes: { ...hashes, prompt_c: '' } };
    await expect(loadPromptBook(folder, lacking)).rejects.toThrow('assigns no text to prompt_c');
    await expect(loadPromptBook(join(folder, 'utils'), { files: ['x.py'], hashes })).rejects.toThrow(
      'has none of x.py',
    );
  });
});

describe.each([
  ['KRIS-Bench', KRIS_OWN_PROMPTS, KRIS_PROMPTS],
  ['RISEBench', RISE_OWN_PROMPTS, RISE_PROMPTS],
])('our own prompts for %s', (_, book, { hashes }) => {
  it('are there for every prompt of the benchmark, and no copies', () => {
    expect(book.original).toBe(false);
    for (const [name, hash] of Object.entries(hashes)) {
      const text = book.render(name, { instruct: 'x' });
      expect(createHash('sha256').update(text).digest('hex')).not.toBe(hash);
      expect(text).toContain('"edit that was asked for": "x"');
    }
    expect(() => book.render('prompt_nothing', null)).toThrow(PromptError);
  });
});
