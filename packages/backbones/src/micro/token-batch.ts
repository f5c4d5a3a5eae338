import * as tf from '@tensorflow/tfjs-core';
import type { TokenBatch, TokenLayout, TokenScores } from '@thinkrl/cot-sampler';
import { type KeyValues, tokenLogProbs } from '@thinkrl/nn';
import type { Chain, Utterance } from '@thinkrl/spec';
import { MicroInputError } from './error.ts';
import { type PromptBatch, promptBatch, promptKeyValues } from './prompt.ts';
import { ScoringPass } from './scoring-pass.ts';
import type { Understander } from './understander.ts';

/**
 * Lays out chains for scoring. Columns are the plan's slots, then each round's reflection slots, as many as the longest
 * text of the batch takes. The prompt is computed once per task, and every round after the first is a pass of its own.
 *
 * @throws MicroInputError for chains without a plan or a temperature that is not above 0.
 */
export function tokenBatch(model: Understander, chains: readonly Chain[], temperature: number): TokenBatch {
  if (!(temperature > 0)) throw new MicroInputError(`tokens cannot be scored at temperature ${temperature}`);
  const plans = chains.map(planOf);
  const tasks = [...new Set(chains.map((chain) => chain.task))];
  const taskOf = chains.map((chain) => tasks.indexOf(chain.task));
  const prompt = promptBatch(tasks);
  const rounds = Math.max(1, ...chains.map((chain) => chain.rounds.length));
  const passes = Array.from(
    { length: rounds },
    (_, round) => new ScoringPass({ chains, plans, taskOf, prompt, round }),
  );
  const layout = layoutOf(chains, plans, passes);
  return {
    layout,
    score: () => scoreAll({ model, prompt, passes, temperature, layout }),
  };
}

interface Scoring {
  readonly model: Understander;
  readonly prompt: PromptBatch;
  readonly passes: readonly ScoringPass[];
  readonly temperature: number;
  readonly layout: TokenLayout;
}

function scoreAll({ model, prompt, passes, temperature, layout }: Scoring): TokenScores {
  const past = promptKeyValues(model, prompt);
  const parts = passes.map((pass) => passScores(model, pass, past, temperature));
  const joined = (name: keyof TokenScores) =>
    tf.reshape(
      tf.concat(
        parts.map((part) => part[name]),
        1,
      ),
      [layout.chains, layout.tokens],
    ) as tf.Tensor2D;
  return { logProbs: joined('logProbs'), entropies: joined('entropies') };
}

function passScores(
  model: Understander,
  pass: ScoringPass,
  past: readonly KeyValues[],
  temperature: number,
): TokenScores {
  const logits = pass.logits(model, past);
  const [rows, tokens, vocabulary] = logits.shape;
  const flat = tf.reshape(logits, [rows * tokens, vocabulary]) as tf.Tensor2D;
  const scaled = temperature === 1 ? flat : tf.div<tf.Tensor2D>(flat, temperature);
  const { logProbs, entropies } = tokenLogProbs(scaled, tf.tensor1d(pass.targets, 'int32'));
  const spread = (x: tf.Tensor1D) => pass.overAllChains(tf.reshape(x, [rows, tokens]) as tf.Tensor2D);
  return { logProbs: spread(logProbs), entropies: spread(entropies) };
}

function planOf(chain: Chain): Utterance {
  if (chain.plan === null)
    throw new MicroInputError(
      `chain ${chain.index} of task ${chain.task.id} has no plan, so there are no tokens to score`,
    );
  return chain.plan;
}

function layoutOf(
  chains: readonly Chain[],
  plans: readonly Utterance[],
  passes: readonly ScoringPass[],
): TokenLayout {
  const texts = [
    plans,
    ...passes.map((_, round) => chains.map((chain) => chain.rounds[round]?.reflection ?? null)),
  ];
  const widths = [passes[0]!.planSlots, ...passes.map((pass) => pass.reflectionSlots)];
  const tokens = widths.reduce((sum, width) => sum + width, 0);
  const stages = widths.flatMap((width, stage) => new Array<number>(width).fill(stage));
  const mask = new Float32Array(chains.length * tokens);
  const sampled = new Float32Array(chains.length * tokens);
  let column = 0;
  texts.forEach((column_, stage) => {
    column_.forEach((text, chain) => {
      if (text === null) return;
      mask.fill(1, chain * tokens + column, chain * tokens + column + text.tokens.length);
      sampled.set(text.logProbs, chain * tokens + column);
    });
    column += widths[stage]!;
  });
  return { chains: chains.length, tokens, stages, mask, sampled };
}
