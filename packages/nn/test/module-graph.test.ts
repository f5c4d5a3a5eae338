import * as tf from '@tensorflow/tfjs-core';
import { downloadParameters, Embedding, LayerNorm, Linear, Module, TransformerBlock } from '@thinkrl/nn';
import { ModuleGraph } from '@thinkrl/nn/onnx';
import { loadNetwork } from '@thinkrl/onnx';
import { ConfigError, Key } from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from './engine.ts';

const SIZE = 8;

class Parts extends Module {
  readonly embedding = this.child('embedding', new Embedding({ vocabulary: 5, size: SIZE, key: Key.of(1) }));
  readonly block = this.child('block', new TransformerBlock({ size: SIZE, heads: 2, key: Key.of(2) }));
  readonly norm = this.child('norm', new LayerNorm(SIZE));
  readonly head = this.child('head', new Linear({ inputs: SIZE, outputs: 3, bias: false, key: Key.of(3) }));

  /** Ids `[rows, tokens]` to `[rows, tokens, 3]`; no token looks at the first of the second row. */
  forward(ids: tf.Tensor2D): tf.Tensor {
    const mask = tf.tensor4d([1, 1, 1, 0, 1, 1], [2, 1, 1, 3], 'bool');
    const x = this.block.forward(this.embedding.forward(ids) as tf.Tensor3D, { mask });
    return this.head.forward(this.norm.forward(x));
  }
}

beforeAll(useCpu);

describe('ModuleGraph', () => {
  it('computes what the modules compute', async () => {
    const model = new Parts();
    // Gains and biases start as ones and zeros, which would hide that they are left out or taken for each other.
    for (const [name, variable] of model.parameters()) {
      const stream = Key.of(4).fold(name).stream();
      const noise = Float32Array.from({ length: variable.size }, () => 0.2 * stream.normal());
      variable.assign(tf.add(variable, tf.tensor(noise, variable.shape)));
    }
    const net = new ModuleGraph(await downloadParameters(model.parameters()));
    const ids = net.graph.input('ids', { type: 'int64', dims: ['rows', 3] });
    const mask = net.flags([true, true, true, false, true, true], [2, 1, 1, 3]);
    const x = net.transformerBlock('block', net.embedding('embedding', ids), { heads: 2, mask });
    const logits = net.linear('head', net.layerNorm(x, 'norm'));
    net.graph.output('logits', logits, { type: 'float32', dims: ['rows', 3, 3] });
    const network = await loadNetwork({ model: net.graph.encode({ name: 'parts' }) });
    const rows = [4, 0, 2, 1, 1, 3];
    const outputs = await network.run({ ids: { data: BigInt64Array.from(rows, BigInt), dims: [2, 3] } });
    await network.close();
    const expected = model.forward(tf.tensor2d(rows, [2, 3], 'int32')).dataSync();
    expect(outputs.logits!.dims).toEqual([2, 3, 3]);
    expected.forEach((value, i) => {
      expect(Number(outputs.logits!.data[i])).toBeCloseTo(value, 5);
    });
  });

  it('refuses names of parameters that there are not', () => {
    const net = new ModuleGraph(new Map());
    const x = net.graph.input('x', { type: 'float32', dims: [1] });
    expect(() => net.linear('head', x)).toThrow(ConfigError);
  });
});
