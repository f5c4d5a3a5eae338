import { tidy } from '@tensorflow/tfjs-core';
import { microCodec } from '@thinkrl/backbones/micro';
import type { Editor } from '@thinkrl/cot-sampler';
import { type Sigmas, uniformSigmas } from '@thinkrl/edit-generator';
import { encodeWords, GRID, imageOfCells, SLOTS } from '@thinkrl/microworld';
import { keyedNormal } from '@thinkrl/nn';
import type { Network } from '@thinkrl/onnx';
import { ConfigError, type Edit, type EditCondition, type Key } from '@thinkrl/spec';

const SHAPE = [GRID.cells, GRID.cellNumbers] as const;
const NUMBERS = GRID.cells * GRID.cellNumbers;

/**
 * An editor that is an ONNX file: it predicts the velocity of `latents [rows, 16, 192]` from `reference`, `words` and
 * `sigma`. It takes the place of `createEditSampler` in a chain sampler; it samples by the ODE and is not trained, since a
 * network that runs elsewhere gives neither log-probabilities nor gradients.
 *
 * @example
 * const editor = new OnnxEditBackbone(await loadNetwork({ model: 'editor.onnx' }), 4);
 */
export class OnnxEditBackbone implements Editor {
  private readonly network: Network;
  private readonly sigmas: Sigmas;

  /** Throws ConfigError for steps that make no schedule. */
  constructor(network: Network, steps: number) {
    this.network = network;
    this.sigmas = uniformSigmas(steps);
  }

  /** One edit per condition; the noise of edit `i` depends on `keys[i]` alone. Throws ConfigError for stochastic steps. */
  async sample(
    conditions: readonly EditCondition[],
    { keys, stochastic }: { readonly keys: readonly Key[]; readonly stochastic: readonly number[] },
  ): Promise<readonly Edit[]> {
    if (stochastic.length > 0)
      throw new ConfigError({
        field: 'stochastic',
        value: stochastic,
        fix: 'use none: an ONNX editor is not trained',
      });
    const dims = [conditions.length, ...SHAPE];
    const reference = numbersOf(() => microCodec.encode(conditions.map(({ references }) => references[0]!)));
    const words = wordIds(conditions);
    let latents = numbersOf(() =>
      keyedNormal(
        keys.map((key) => key.fold('initial')),
        [...SHAPE],
      ),
    );
    const states = [latents];
    for (const [i, sigma] of this.sigmas.slice(0, -1).entries()) {
      const { velocity } = await this.network.run(
        {
          reference: { data: reference, dims },
          words,
          latents: { data: latents, dims },
          sigma: { data: new Float32Array(conditions.length).fill(sigma), dims: [conditions.length] },
        },
        { outputs: ['velocity'] },
      );
      const step = this.sigmas[i + 1]! - sigma;
      const slope = velocity!.data as Float32Array;
      latents = latents.map((value, at) => value + step * slope[at]!);
      states.push(latents);
    }
    return conditions.map((condition, row) => this.edit(condition, states, row));
  }

  private edit(condition: EditCondition, states: readonly Float32Array[], row: number): Edit {
    const mine = states.map((state) => state.slice(row * NUMBERS, (row + 1) * NUMBERS));
    const pixels = mine.at(-1)!.map((value) => Math.min(1, Math.max(0, (value + 1) / 2)));
    return {
      condition,
      image: imageOfCells(pixels, 0),
      trajectory: { sigmas: this.sigmas, shape: SHAPE, states: mine, stochastic: [], logProbs: [] },
    };
  }
}

function numbersOf(make: () => ReturnType<typeof keyedNormal>): Float32Array {
  return tidy(() => make().dataSync<'float32'>());
}

function wordIds(conditions: readonly EditCondition[]) {
  const rows = conditions.map(({ text }) => encodeWords(text.split(' ').filter(Boolean), SLOTS.editorText));
  const data = BigInt64Array.from(
    rows.flatMap((row) => [...row]),
    BigInt,
  );
  return { data, dims: [rows.length, SLOTS.editorText] };
}
