import * as tf from '@tensorflow/tfjs-core';
import type { TokenBatch, TokenLayout, TokenScores } from '@thinkrl/cot-sampler';
import type { ParameterMap } from '@thinkrl/nn';
import { type Chain, type Image, stageEdits, type Utterance } from '@thinkrl/spec';
import { QwenVlInputError } from './error.ts';
import { type PlacedText, words } from './placed-text.ts';
import type { Reasoner } from './reasoner.ts';
import { SharedRow, visibility } from './shared-rows.ts';
import { layOut, type Segment, type Sheet } from './sheet.ts';

/** How chains are scored. */
export interface ScoringOptions {
  readonly reasoner: Reasoner;
  readonly temperature: number;
  /** Chains of one task that share a row and with it the computation of their prompt. */
  readonly chainsPerRow: number;
  /** Parameters that scores are differentiated by. */
  readonly trainable: ParameterMap;
  /** Whether layers are computed again in the backward pass instead of being kept. */
  readonly checkpointing: boolean;
}

/** A sampled token: its place among all slots, and the token of the sheet after which it was drawn. */
interface Target {
  readonly slot: number;
  readonly after: Anchor;
  readonly id: number;
}

/** Token `offset` of a segment; -1 is the last one. */
interface Anchor {
  readonly segment: number;
  readonly offset: number;
}

/**
 * Lays out chains for scoring. Columns are the plan's slots, then each round's reflection slots, as many as the longest
 * text of the batch takes. Chains of a task share rows, so a prompt is computed once for `chainsPerRow` of them.
 *
 * @throws QwenVlInputError for chains without a plan or a temperature that is not above 0.
 */
export function tokenBatch(chains: readonly Chain[], options: ScoringOptions): TokenBatch {
  const { temperature } = options;
  if (!(temperature > 0)) throw new QwenVlInputError(`tokens cannot be scored at temperature ${temperature}`);
  const layout = layoutOf(chains);
  const batch = new BatchBuilder(options.reasoner, layout);
  const tasks = [...new Set(chains.map(({ task }) => task))];
  for (const task of tasks) {
    const own = [...chains.keys()].filter((chain) => chains[chain]!.task === task);
    for (let i = 0; i < own.length; i += options.chainsPerRow)
      batch.addRow(own.slice(i, i + options.chainsPerRow).map((index) => ({ index, chain: chains[index]! })));
  }
  const { segments, targets, rows } = batch;
  const sheet = layOut(segments, rows);
  const needed = { after: targets.map(({ after }) => place(after, segments, sheet)), targets };
  return { layout, score: () => score({ options, layout, sheet, rows, ...needed }) };
}

interface Scoring {
  readonly options: ScoringOptions;
  readonly layout: TokenLayout;
  readonly sheet: Sheet;
  readonly rows: readonly SharedRow[];
  /** Where each target was drawn, among the sheet's tokens. */
  readonly after: readonly number[];
  readonly targets: readonly Target[];
}

function score({ options, layout, sheet, rows, after, targets }: Scoring): TokenScores {
  const { reasoner, temperature, trainable, checkpointing } = options;
  const { model } = reasoner;
  const hidden = model.forward(sheet, {
    positions: sheet.positions,
    mask: rows.every((row) => row.isPath) ? undefined : visibility(rows, sheet.tokens),
    remember: checkpointing ? trainable : undefined,
  });
  const flat = tf.reshape(hidden, [-1, hidden.shape[2]]) as tf.Tensor2D;
  const chosen = tf.gather(flat, tf.tensor1d([...after], 'int32'));
  const scaled = temperature === 1 ? chosen : tf.div<tf.Tensor2D>(chosen, temperature);
  const ids = tf.tensor1d(
    targets.map(({ id }) => id),
    'int32',
  );
  const { logProbs, entropies } = model.tokenScores(scaled, ids, trainable);
  const slots = slotIndex(layout, targets);
  const spread = (x: tf.Tensor1D) =>
    tf.reshape(tf.gather(tf.concat([x, tf.zeros([1])]), slots), [
      layout.chains,
      layout.tokens,
    ]) as tf.Tensor2D;
  return { logProbs: spread(logProbs), entropies: spread(entropies) };
}

/** For each slot the target in it, or one past the last. */
function slotIndex({ chains, tokens }: TokenLayout, targets: readonly Target[]): tf.Tensor1D {
  const index = new Int32Array(chains * tokens).fill(targets.length);
  targets.forEach(({ slot }, i) => {
    index[slot] = i;
  });
  return tf.tensor1d(index, 'int32');
}

function place({ segment, offset }: Anchor, segments: readonly Segment[], sheet: Sheet): number {
  return sheet.starts[segment]! + (offset < 0 ? segments[segment]!.ids.length + offset : offset);
}

interface Member {
  /** Position of the chain in the batch. */
  readonly index: number;
  readonly chain: Chain;
}

/** Collects the segments of a batch and what was drawn where. */
class BatchBuilder {
  readonly segments: Segment[] = [];
  readonly targets: Target[] = [];
  readonly rows: SharedRow[] = [];
  private readonly reasoner: Reasoner;
  private readonly layout: TokenLayout;

  constructor(reasoner: Reasoner, layout: TokenLayout) {
    this.reasoner = reasoner;
    this.layout = layout;
  }

  /** A prompt and chains of its task. */
  addRow(members: readonly Member[]): void {
    this.rows.push(new SharedRow());
    const prompt = this.reasoner.prompt(members[0]!.chain.task);
    const anchor = this.add(0, prompt);
    for (const member of members) this.addChain(member, prompt.positions.next, anchor);
  }

  private addChain({ index, chain }: Member, from: number, prompt: Anchor): void {
    const plan = chain.plan!;
    const branch = this.branch(0);
    this.addText(plan, { branch, from, after: prompt, slot: this.slot(index, 0) });
    const next = from + plan.tokens.length - 1;
    chain.rounds.forEach(({ reflection }, round) => {
      const seen = { task: chain.task, edited: editBefore(chain, round) };
      const look = this.reasoner.look(seen, this.reasoner.unread(plan.tokens), next);
      const own = this.branch(branch);
      const after = this.add(own, look);
      const slot = this.slot(index, round + 1);
      this.addText(reflection, { branch: own, from: look.positions.next, after, slot });
    });
  }

  /** All tokens of a sampled text but the last, and each token as drawn after the one before it. */
  private addText(
    { tokens }: Utterance,
    at: { branch: number; from: number; after: Anchor; slot: number },
  ): void {
    const segment = this.segments.length;
    if (tokens.length > 1) this.add(at.branch, words(tokens.slice(0, -1), at.from));
    tokens.forEach((id, i) => {
      this.targets.push({ slot: at.slot + i, id, after: i === 0 ? at.after : { segment, offset: i - 1 } });
    });
  }

  private add(branch: number, text: PlacedText): Anchor {
    this.segments.push({ row: this.rows.length - 1, branch, ...text });
    return { segment: this.segments.length - 1, offset: -1 };
  }

  private branch(parent: number): number {
    return this.rows.at(-1)!.branch(parent);
  }

  /** First slot of a chain's text: stage 0 is the plan, r the reflection of round r. */
  private slot(chain: number, stage: number): number {
    return chain * this.layout.tokens + this.layout.stages.indexOf(stage);
  }
}

function editBefore(chain: Chain, round: number): Image {
  return stageEdits(chain)[round]!.image;
}

function layoutOf(chains: readonly Chain[]): TokenLayout {
  const rounds = Math.max(0, ...chains.map((chain) => chain.rounds.length));
  const texts = [
    chains.map(planOf),
    ...Array.from({ length: rounds }, (_, round) => chains.map((chain) => chain.rounds[round]?.reflection)),
  ];
  const widths = texts.map((stage) => Math.max(1, ...stage.map((text) => text?.tokens.length ?? 0)));
  const stages = widths.flatMap((width, stage) => new Array<number>(width).fill(stage));
  const mask = new Float32Array(chains.length * stages.length);
  const sampled = new Float32Array(mask.length);
  texts.forEach((stage, i) => {
    stage.forEach((text, chain) => {
      const start = chain * stages.length + stages.indexOf(i);
      mask.fill(1, start, start + (text?.tokens.length ?? 0));
      sampled.set(text?.logProbs ?? [], start);
    });
  });
  return { chains: chains.length, tokens: stages.length, stages, mask, sampled };
}

function planOf(chain: Chain): Utterance {
  if (chain.plan === null)
    throw new QwenVlInputError(
      `chain ${chain.index} of task ${chain.task.id} has no plan, so there are no tokens to score`,
    );
  return chain.plan;
}
