import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseMicroConfig, resumeMicro, trainMicro } from '../src/index.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'train-micro-'));

it('leaves no run folder when the weights cannot be loaded', async () => {
  const config = parseMicroConfig({ engine: { name: 'cpu', threads: 1 } });
  const out = join(temporary(), 'run');
  await expect(trainMicro(config, { out, weights: join(out, 'none.safetensors') })).rejects.toMatchObject({
    code: 'BACKBONES_MICRO_WEIGHTS',
  });
  expect(existsSync(out)).toBe(false);
});

it.each(['{"config": {"se', 'null', '{}'])(
  'refuses to resume from a config.json that is %s',
  async (text) => {
    const root = temporary();
    writeFileSync(join(root, 'config.json'), text);
    await expect(resumeMicro(root)).rejects.toMatchObject({
      code: 'ORCHESTRATOR_RUN_FOLDER',
      message: expect.stringContaining('holds no run to resume'),
    });
  },
);
