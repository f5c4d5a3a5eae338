import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNetwork } from '@thinkrl/onnx';
import { GraphBuilder } from '@thinkrl/onnx/format';
import { afterAll, beforeAll, expect, it } from 'vitest';

let path = '';

beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'thinkrl-onnx-')), 'sum.onnx');
});

afterAll(() => rmSync(join(path, '..'), { recursive: true }));

it('runs the example of the README', async () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', { type: 'float32', dims: ['rows', 2] });
  const weight = graph.constant('weight', { data: new Float32Array([1, 2]), dims: [2, 1] });
  graph.output('y', graph.node('MatMul', [x, weight]), { type: 'float32', dims: ['rows', 1] });
  await writeFile(path, graph.encode({ name: 'sum' }));

  const network = await loadNetwork({ model: path, workers: 2 });
  const { y } = await network.run({ x: { data: new Float32Array([1, 2, 3, 4]), dims: [2, 2] } });
  await network.close();

  expect(y!.data).toEqual(new Float32Array([5, 11]));
});
