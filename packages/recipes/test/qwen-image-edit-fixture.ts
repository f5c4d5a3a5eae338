import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeImage } from '@thinkrl/backbones/qwen2-5-vl';
import { Key } from '@thinkrl/spec';
import { writeModelFolder } from '../../backbones/test/qwen-image-folder.ts';
import { tinyFolder } from '../../backbones/test/qwen-vl-folder.ts';
import { SPECIAL } from '../../backbones/test/qwen-vl-tokenizer.ts';

/** A tiny Qwen-Image-Edit-2509 as the hub lays it out; its planner ends its texts soon. Removed after the test. */
export function tinyModel(): string {
  const folder = tinyFolder({
    layout: 'pipeline',
    change: (tensors) => {
      const { data } = tensors.get('lm_head.weight')!;
      for (let i = 0; i < data.length; i++) data[i] = data[i]! * 2;
      data.copyWithin(SPECIAL['<|im_end|>'] * 64, 68 * 64, 69 * 64);
    },
  });
  return writeModelFolder({ folder });
}

/** Writes a PNG of seeded noise. */
export async function writePicture(path: string, width: number, height: number): Promise<void> {
  const stream = Key.of(8).fold(`${width} x ${height}`).stream();
  const data = Float32Array.from({ length: width * height * 3 }, () => stream.uniform());
  await writeImage(path, { width, height, data });
}

/** Three tasks of pictures of different shapes, the last with two references. */
export async function writeTasks(folder: string): Promise<string> {
  await writePicture(join(folder, 'square.png'), 40, 40);
  await writePicture(join(folder, 'wide.png'), 96, 32);
  const checklist = [
    { text: 'Is there snow?', expected: 'yes' },
    { text: 'Is it night?', expected: 'no' },
  ];
  const tasks = [
    { references: ['square.png'], instruction: 'make it snow', category: 'weather', checklist },
    { references: ['wide.png'], instruction: 'a hat', checklist },
    { id: 'both', references: ['square.png', 'wide.png'], instruction: 'join them', checklist },
  ];
  const path = join(folder, 'tasks.jsonl');
  writeFileSync(path, tasks.map((task) => `${JSON.stringify(task)}\n`).join(''));
  return path;
}

/** Settings under which the tiny model trains in seconds. */
export function tinySettings(model: string, path: string) {
  const module = { rank: 2, alpha: 4, learningRate: 1e-2 };
  return {
    model,
    iterations: 2,
    engine: { name: 'auto', device: 'cpu', threads: 1 },
    tasks: { path },
    tasksPerIteration: 2,
    groupSize: 2,
    planner: { mostTokens: 8 },
    editing: { side: 32, seenSide: 32, steps: 4, window: 1 },
    understanding: module,
    generation: { ...module, clip: 1e-2 },
    checkpointEvery: 1,
    recordEvery: 1,
    recordShare: 1,
  };
}
