import * as tf from '@tensorflow/tfjs-core';
import type {
  EditFeatures,
  QwenImageBackbone,
  QwenImageConditioning,
} from '@thinkrl/backbones/qwen-image-edit';
import type { EditBackbone } from '@thinkrl/edit-generator';
import { noGrad } from '@thinkrl/nn';
import type { EditCondition, Image } from '@thinkrl/spec';

interface Remembered {
  readonly references: readonly Image[];
  readonly features: EditFeatures;
}

/**
 * Qwen-Image-Edit that encodes a condition once while {@link during} runs: a prompt goes through the text encoder, and a
 * picture through the autoencoder, once per iteration instead of once per backward pass. Both are frozen, so what is kept
 * holds under any weights of the transformer.
 *
 * @example
 * const backbone = new RememberedBackbone(inner);
 * await backbone.during(async () => {
 *   // sampling, then updates
 * });
 */
export class RememberedBackbone implements EditBackbone<QwenImageConditioning> {
  readonly name: string;
  private readonly inner: QwenImageBackbone;
  private readonly kept = new Map<string, Remembered[]>();
  private holders = 0;

  constructor(inner: QwenImageBackbone) {
    this.inner = inner;
    this.name = inner.name;
  }

  /** Conditions that are kept now; 0 outside of {@link during}. */
  get size(): number {
    return [...this.kept.values()].reduce((sum, list) => sum + list.length, 0);
  }

  latentShape(condition: EditCondition): readonly number[] {
    return this.inner.latentShape(condition);
  }

  encode(conditions: readonly EditCondition[]): QwenImageConditioning {
    if (this.holders === 0) return this.inner.encode(conditions);
    const found = conditions.map((condition) => this.featuresOf(condition));
    const different = [...new Set(found)];
    return this.inner.condition(
      () => different,
      found.map((features) => different.indexOf(features)),
    );
  }

  velocity(latents: tf.Tensor, sigma: number, conditioning: QwenImageConditioning): tf.Tensor {
    return this.inner.velocity(latents, sigma, conditioning);
  }

  parameters() {
    return this.inner.parameters();
  }

  /** Keeps features while `work` runs and frees them when it ends, also when it fails; may be nested and overlap. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.holders += 1;
    try {
      return await work();
    } finally {
      this.holders -= 1;
      if (this.holders === 0) this.forget();
    }
  }

  private featuresOf(condition: EditCondition): EditFeatures {
    const { text, references } = condition;
    const known = this.kept.get(text) ?? [];
    const same = known.find((one) => samePictures(one.references, references));
    if (same !== undefined) return same.features;
    const encode = () => this.inner.features(condition) as EditFeatures & tf.TensorContainerObject;
    const features = noGrad(() => tf.tidy(encode));
    tf.keep(features.text);
    tf.keep(features.references);
    this.kept.set(text, [...known, { references, features }]);
    return features;
  }

  private forget(): void {
    for (const { features } of [...this.kept.values()].flat())
      tf.dispose([features.text, features.references]);
    this.kept.clear();
  }
}

function samePictures(a: readonly Image[], b: readonly Image[]): boolean {
  return a.length === b.length && a.every((image, i) => image === b[i]);
}
