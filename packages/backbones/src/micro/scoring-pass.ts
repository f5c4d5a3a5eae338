import * as tf from '@tensorflow/tfjs-core';
import { GRID } from '@thinkrl/microworld';
import type { KeyValues } from '@thinkrl/nn';
import { type Chain, type Image, stageEdits, type Utterance } from '@thinkrl/spec';
import { pictureTensor } from './picture.ts';
import { type PromptBatch, spreadOver } from './prompt.ts';
import { PLAN_WORD, REFLECTION_WORD } from './reasoning-session.ts';
import { chainMask } from './token-mask.ts';
import { PLACES, type Understander } from './understander.ts';
import { idTensor, inputsFor, type WordRows, wordRows } from './words.ts';

const NOTHING = new Int32Array(0);

/** What a {@link ScoringPass} is laid out from. */
export interface ScoringPassOptions {
  readonly chains: readonly Chain[];
  readonly plans: readonly Utterance[];
  /** Position of each chain's task in `prompt`. */
  readonly taskOf: readonly number[];
  readonly prompt: PromptBatch;
  /** Round scored here, from 0; the pass of round 0 scores the plans as well. */
  readonly round: number;
}

/**
 * One run of the understander over the texts of one round. Tokens stand in the order edited picture, plan, reflection,
 * so that the ones whose logits are needed come last; the mask says who sees whom.
 */
export class ScoringPass {
  readonly planSlots: number;
  /** 0 when no chain reflected in this round. */
  readonly reflectionSlots: number;
  /** Sampled token of every scored slot, 0 where there is none: `[rows * slots]`. */
  readonly targets: Int32Array;
  private readonly members: readonly number[];
  private readonly options: ScoringPassOptions;
  private readonly plan: WordRows;
  private readonly reflection: WordRows | null;

  constructor(options: ScoringPassOptions) {
    const { chains, plans, round } = options;
    const everyone = [...chains.keys()];
    this.options = options;
    this.members = round === 0 ? everyone : everyone.filter((chain) => chains[chain]!.rounds.length > round);
    const reflections = this.members.map((chain) => chains[chain]!.rounds[round]?.reflection ?? null);
    const reflecting = reflections.some((text) => text !== null);
    const membersPlans = this.members.map((chain) => plans[chain]!);
    this.plan = wordRows(membersPlans.map((text) => inputsFor(text.tokens, PLAN_WORD)));
    this.reflection = reflecting
      ? wordRows(reflections.map((text) => inputsFor(text?.tokens ?? NOTHING, REFLECTION_WORD)))
      : null;
    this.planSlots = this.plan.length;
    this.reflectionSlots = this.reflection?.length ?? 0;
    this.targets = sideBySide([
      ...(round === 0 ? [textRows(membersPlans, this.planSlots)] : []),
      textRows(reflections, this.reflectionSlots),
    ]);
  }

  /** Logits of the scored slots: `[rows, slots, vocabulary]`. */
  logits(model: Understander, past: readonly KeyValues[]): tf.Tensor3D {
    const taskOf = this.members.map((chain) => this.options.taskOf[chain]!);
    const hidden = model.continue(this.tokens(model), {
      mask: this.mask(),
      targets: this.reflectionSlots + (this.options.round === 0 ? this.planSlots : 0),
      before: (layer) => ({
        past: {
          key: spreadOver(past[layer]!.key, taskOf),
          value: spreadOver(past[layer]!.value, taskOf),
        },
      }),
    });
    return model.logits(hidden);
  }

  /** Rows of this pass as rows of all chains, 0 for chains that are not in it: `[chains, slots]`. */
  overAllChains(x: tf.Tensor2D): tf.Tensor2D {
    const { chains } = this.options;
    if (this.members.length === chains.length) return x;
    const rowOf = Int32Array.from(chains, () => this.members.length);
    this.members.forEach((chain, row) => {
      rowOf[chain] = row;
    });
    const padded = tf.concat([x, tf.zeros([1, x.shape[1]])], 0) as tf.Tensor2D;
    return tf.gather(padded, tf.tensor1d(rowOf, 'int32'));
  }

  private tokens(model: Understander): tf.Tensor3D {
    const plan = model.embedWords(idTensor(this.plan), PLACES.plan);
    if (this.reflection === null) return plan;
    const pictures = this.members.map((chain) => editBefore(this.options.chains[chain]!, this.options.round));
    const edit = model.embedPicture(pictureTensor(pictures), PLACES.edit);
    const reflection = model.embedWords(idTensor(this.reflection), PLACES.reflection);
    return tf.concat([edit, plan, reflection], 1);
  }

  /** `[rows, 1, tokens, prompt + tokens]`. */
  private mask(): tf.Tensor4D {
    const { prompt, taskOf } = this.options;
    const slots = {
      prompt: prompt.length,
      picture: this.reflection === null ? 0 : GRID.cells,
      plan: this.planSlots,
      reflection: this.reflectionSlots,
    };
    const lengths = this.members.map((chain, row) => ({
      prompt: prompt.lengths[taskOf[chain]!]!,
      plan: this.plan.lengths[row]!,
    }));
    return chainMask(slots, lengths);
  }
}

/** Tokens of texts in rows of `slots`, 0 where there is none. */
function textRows(texts: readonly (Utterance | null)[], slots: number): WordRows {
  const ids = new Int32Array(texts.length * slots);
  texts.forEach((text, row) => {
    if (text !== null) ids.set(text.tokens, row * slots);
  });
  return { ids, rows: texts.length, length: slots, lengths: texts.map((text) => text?.tokens.length ?? 0) };
}

function editBefore(chain: Chain, round: number): Image {
  return stageEdits(chain)[Math.min(round, chain.rounds.length)]!.image;
}

function sideBySide(parts: readonly WordRows[]): Int32Array {
  const rows = parts[0]!.rows;
  const width = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new Int32Array(rows * width);
  let column = 0;
  for (const { ids, length } of parts) {
    for (let row = 0; row < rows; row++)
      joined.set(ids.subarray(row * length, (row + 1) * length), row * width + column);
    column += length;
  }
  return joined;
}
