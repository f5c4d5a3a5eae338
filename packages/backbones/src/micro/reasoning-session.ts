import * as tf from '@tensorflow/tfjs-core';
import { checkSampling, type ReasoningSession, type SpeakRequest } from '@thinkrl/cot-sampler';
import { GRID, SLOTS, wordId } from '@thinkrl/microworld';
import { KeyValueCache } from '@thinkrl/nn';
import type { EditTask, Image, Reflection, Utterance } from '@thinkrl/spec';
import { type DecodeRequest, type DrawnText, decode } from './decoder.ts';
import { MicroInputError } from './error.ts';
import { planGrammar, reflectionGrammar } from './grammar.ts';
import { pictureTensor } from './picture.ts';
import { type PromptBatch, promptBatch, promptKeyValues, spreadOver } from './prompt.ts';
import { TokenMask } from './token-mask.ts';
import { PLACES, type Understander } from './understander.ts';
import { planUtterance, reflectionUtterance } from './utterance.ts';

/** Opening word of a plan. */
export const PLAN_WORD: number = wordId('<plan>');

/** Opening word of a reflection. */
export const REFLECTION_WORD: number = wordId('<refl>');

/** The understander at work on one batch: a KV cache of prompts, plans, and for a while an edit and its reflection. */
export class MicroSession implements ReasoningSession {
  private readonly model: Understander;
  private readonly prompt: PromptBatch;
  private readonly taskOf: readonly number[];
  private readonly cache: KeyValueCache;
  /** Plan tokens of each chain; null before planning. */
  private planned: readonly number[] | null = null;
  private thought: number;

  constructor(model: Understander, tasks: readonly EditTask[], groupSize: number) {
    this.model = model;
    this.prompt = promptBatch(tasks);
    this.taskOf = tasks.flatMap((_, task) => new Array<number>(groupSize).fill(task));
    this.thought = this.prompt.length;
    this.cache = this.emptyCache();
    tf.tidy(() => this.fill(this.cache));
  }

  /** One plan per chain. */
  async plan(request: SpeakRequest): Promise<readonly Utterance[]> {
    checkSampling(request.sampling);
    const slots = slotsOf(request, SLOTS.plan);
    this.cache.truncate(this.prompt.length);
    const visible = this.visible(
      this.taskOf.map((_, chain) => chain),
      SLOTS.plan,
    );
    const drawn = await this.speak(this.cache, request, {
      opening: PLAN_WORD,
      place: PLACES.plan,
      slots,
      visible,
      grammar: planGrammar(slots),
      lastUse: false,
    });
    this.planned = drawn.map(({ tokens }) => tokens.length);
    this.thought = this.cache.length;
    return drawn.map(planUtterance);
  }

  /** One reflection per listed chain. Throws {@link MicroInputError} before planning. */
  async reflect(
    chains: readonly number[],
    edits: readonly Image[],
    request: SpeakRequest,
  ): Promise<readonly Reflection[]> {
    checkSampling(request.sampling);
    const slots = slotsOf(request, SLOTS.reflection);
    if (this.planned === null) throw new MicroInputError('reflect needs plans first');
    this.cache.truncate(this.thought);
    const whole = chains.length === this.taskOf.length;
    const cache = whole ? this.cache : this.cache.select(chains);
    try {
      const visible = this.visible(chains, GRID.cells + SLOTS.reflection);
      this.look(cache, edits, visible);
      const opening = {
        opening: REFLECTION_WORD,
        place: PLACES.reflection,
        slots,
        visible,
        grammar: reflectionGrammar(slots),
        lastUse: true,
      };
      return (await this.speak(cache, request, opening)).map(reflectionUtterance);
    } finally {
      if (!whole) cache.dispose();
    }
  }

  dispose(): void {
    this.cache.dispose();
  }

  private emptyCache(): KeyValueCache {
    const { blocks, heads, width } = this.model.size;
    const capacity = this.prompt.length + SLOTS.plan + GRID.cells + SLOTS.reflection;
    return new KeyValueCache({
      layers: blocks,
      batch: this.taskOf.length,
      capacity,
      heads,
      size: width / heads,
    });
  }

  private fill(cache: KeyValueCache): void {
    promptKeyValues(this.model, this.prompt).forEach(({ key, value }, layer) => {
      cache.append(layer, { key: spreadOver(key, this.taskOf), value: spreadOver(value, this.taskOf) });
    });
    cache.advance(this.prompt.length);
  }

  /** Which positions hold something of each listed chain, with `room` positions to come: `[chains, 1, 1, positions]`. */
  private visible(chains: readonly number[], room: number): tf.Tensor4D {
    const mask = new TokenMask(chains.length, 1, this.thought + room);
    chains.forEach((chain, row) => {
      mask.allow(row, 0, [0, this.prompt.lengths[this.taskOf[chain]!]!]);
      if (this.planned !== null) mask.allow(row, 0, [this.prompt.length, this.planned[chain]!]);
      mask.allow(row, 0, [this.thought, room]);
    });
    return mask.tensor();
  }

  private look(cache: KeyValueCache, edits: readonly Image[], visible: tf.Tensor4D): void {
    tf.tidy(() => {
      const x = this.model.embedPicture(pictureTensor(edits), PLACES.edit);
      const mask = tf.slice(visible, [0, 0, 0, 0], [edits.length, 1, 1, cache.length + GRID.cells]);
      this.model.absorb(x, cache, mask);
    });
  }

  private async speak(
    cache: KeyValueCache,
    { keys, sampling }: SpeakRequest,
    text: Omit<DecodeRequest, 'model' | 'cache' | 'keys' | 'sampling'>,
  ): Promise<readonly DrawnText[]> {
    try {
      return await decode({ model: this.model, cache, keys, sampling, ...text });
    } finally {
      text.visible.dispose();
    }
  }
}

/** Tokens that a text may have: what the model has room for, or fewer. */
function slotsOf({ sampling }: SpeakRequest, room: number): number {
  return Math.min(room, sampling.mostTokens ?? room);
}
