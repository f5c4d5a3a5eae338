import * as tf from '@tensorflow/tfjs-core';
import {
  choice,
  createTokenConstraint,
  literal,
  oneByte,
  type Pattern,
  type ReasoningSession,
  repeat,
  sequence,
  TokenVocabulary,
} from '@thinkrl/cot-sampler';
import { useEngine } from '@thinkrl/engine';
import { gradients, LoraAdapter, noGrad } from '@thinkrl/nn';
import {
  type Chain,
  ConfigError,
  type EditTask,
  type Image,
  Key,
  type Round,
  type Utterance,
} from '@thinkrl/spec';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  LINE_FORM,
  loadQwenVl,
  positionRows,
  positionsOf,
  QwenVlInputError,
  type QwenVlModels,
  QwenVlPolicy,
  type QwenVlPolicyOptions,
  type ReasoningForm,
} from '../src/qwen2-5-vl/index.ts';
import { torchIsHere } from './engine.ts';
import { tinyFolder } from './qwen-vl-folder.ts';
import { SPECIAL } from './qwen-vl-tokenizer.ts';

/** Short prompts, so that the tests see every part of them in a few tokens. */
const SHORT: ReasoningForm = {
  plan: ({ references, instruction }) => [{ role: 'user', content: [...references, instruction] }],
  reflection: (_, edited) => [{ role: 'user', content: [edited, 'ok?'] }],
  readPlan: (text) => ({ text, steps: [text], wellFormed: true }),
  readReflection: (text) => ({ text, steps: [text], wellFormed: true, verdict: 'fix' }),
};

function picture(seed: string, width: number, height: number): Image {
  const stream = Key.of(3).fold(seed).stream();
  return { width, height, data: Float32Array.from({ length: width * height * 3 }, () => stream.uniform()) };
}

const tasks: readonly EditTask[] = [
  { id: 'a', references: [picture('a', 24, 16)], instruction: 'paint it red', category: 'x' },
  {
    id: 'b',
    references: [picture('b', 16, 32), picture('c', 8, 8)],
    instruction: 'what is next',
    category: 'x',
  },
];
const MOST = 10;
const sampling = { temperature: 1 };
const keysOf = (count: number, label: string) => Key.of(5).fold(label).split(count);

/** The tiny model, which says its end token as often as a token that it likes. */
function tinyModels(): QwenVlModels {
  const folder = tinyFolder({
    change: (tensors) => {
      const { data } = tensors.get('lm_head.weight')!;
      for (let i = 0; i < data.length; i++) data[i] = data[i]! * 2;
      data.copyWithin(SPECIAL['<|im_end|>'] * 64, 68 * 64, 69 * 64);
    },
  });
  return loadQwenVl(folder);
}

function edit(task: EditTask, image: Image): Chain['first'] {
  const trajectory = { sigmas: [], shape: [], states: [], stochastic: [], logProbs: [] };
  return { condition: { references: task.references, text: '' }, image, trajectory };
}

const firstEdit = (chain: number) => picture(`first ${chain}`, chain % 2 === 0 ? 16 : 24, 16);
const secondEdit = (chain: number) => picture(`second ${chain}`, 16, 16);

/** Plans, reflects on every edit, and once more on those of every other chain. */
async function thinkTwice(session: ReasoningSession, groupSize: number, temperature = 1): Promise<Chain[]> {
  const count = tasks.length * groupSize;
  const request = (label: string, chains: readonly number[]) => ({
    sampling: { temperature },
    keys: chains.map((chain) => keysOf(count, label)[chain]!),
  });
  const all = Array.from({ length: count }, (_, chain) => chain);
  const plans = await session.plan(request('plan', all));
  const first = await session.reflect(all, all.map(firstEdit), request('one', all));
  const again = all.filter((chain) => chain % 2 === 1);
  const second = await session.reflect(again, again.map(secondEdit), request('two', again));
  return all.map((chain) => {
    const task = tasks[Math.floor(chain / groupSize)]!;
    const more = again.indexOf(chain);
    const rounds: Round[] = [
      { reflection: first[chain]!, edit: more < 0 ? null : edit(task, secondEdit(chain)) },
      ...(more < 0 ? [] : [{ reflection: second[more]!, edit: null }]),
    ];
    return {
      task,
      index: chain % groupSize,
      plan: plans[chain]!,
      first: edit(task, firstEdit(chain)),
      rounds,
    };
  });
}

function sameText(a: Utterance, b: Utterance): void {
  expect([...a.tokens]).toEqual([...b.tokens]);
  a.logProbs.forEach((value, i) => {
    expect(value).toBeCloseTo(b.logProbs[i]!, 4);
  });
}

const ENDS: readonly number[] = [SPECIAL['<|im_end|>'], SPECIAL['<|endoftext|>']];

/**
 * Log-probabilities of an utterance from one run over everything in front of it, without a cache and in float64 from the
 * logits on. `before` lists texts with pictures and runs of sampled tokens.
 */
function scoredPlainly(
  { model, processor }: QwenVlModels,
  before: readonly (readonly [text: string, images: readonly Image[]] | readonly number[])[],
  said: Utterance,
): number[] {
  const parts = before.map((part) => {
    const text = typeof part[0] === 'string' ? processor.encode(part[0], part[1] as readonly Image[]) : null;
    return { ids: text === null ? (part as readonly number[]) : [...text.ids], patches: text?.patches };
  });
  const grids = parts.flatMap(({ patches }) => patches?.grids ?? []);
  const data = Float32Array.from(parts.flatMap(({ patches }) => [...(patches?.data ?? [])]));
  const ids = Int32Array.from([...parts.flatMap((part) => part.ids), ...said.tokens]);
  const positions = positionsOf(ids, { grids, imageToken: SPECIAL['<|image_pad|>'], merge: 2 });
  const size = { rows: 1, tokens: ids.length };
  const logits = tf.tidy(() => {
    const placed = positionRows([{ positions, row: 0, start: 0 }], size);
    return model
      .logits(model.forward({ ids, patches: { data, numbers: 96, grids }, ...size }, { positions: placed }))
      .dataSync();
  });
  const first = ids.length - said.tokens.length - 1;
  return [...said.tokens].map((token, i) => {
    const row = [...logits.subarray((first + i) * 160, (first + i + 1) * 160)];
    return row[token]! - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

// The plain engine takes minutes for what torch does in seconds.
const engine = (await torchIsHere()) ? 'torch' : 'cpu';

describe(`on ${engine}`, { timeout: 300_000 }, () => {
  let models: QwenVlModels;
  const policyOf = (options: Partial<QwenVlPolicyOptions> = {}) =>
    new QwenVlPolicy({ ...models, form: SHORT, maxTokens: MOST, ...options });
  beforeAll(() => useEngine({ engine, threads: 1 }));
  const load = () => {
    models = tinyModels();
  };

  it('gives each chain of a group what it gives that chain alone with the same key', async () => {
    load();
    const groupSize = 3;
    const session = await policyOf().begin(tasks, groupSize);
    const chains = await thinkTwice(session, groupSize);
    session.dispose();
    for (const [i, { task, plan, rounds }] of chains.entries()) {
      const alone = await policyOf().begin([task], 1);
      const [own] = await alone.plan({ sampling, keys: [keysOf(6, 'plan')[i]!] });
      sameText(own!, plan!);
      const [first] = await alone.reflect([0], [firstEdit(i)], { sampling, keys: [keysOf(6, 'one')[i]!] });
      sameText(first!, rounds[0]!.reflection);
      if (rounds[1] !== undefined) {
        const [second] = await alone.reflect([0], [secondEdit(i)], {
          sampling,
          keys: [keysOf(6, 'two')[i]!],
        });
        sameText(second!, rounds[1].reflection);
      }
      alone.dispose();
    }
    const lengths = new Set(chains.map(({ plan }) => plan!.tokens.length));
    expect(lengths.size).toBeGreaterThan(1);
  });

  it('records what one plain run over the whole conversation gives', async () => {
    load();
    const session = await policyOf().begin(tasks, 2);
    const chains = await thinkTwice(session, 2);
    session.dispose();
    for (const [i, { task, plan, rounds }] of chains.entries()) {
      const pads = task.references.map(() => '<|vision_start|><|image_pad|><|vision_end|>').join('');
      const prompt = `<|im_start|>user\n${pads}${task.instruction}<|im_end|>\n<|im_start|>assistant\n`;
      const beginning = [prompt, task.references] as const;
      const near = (expected: readonly number[], said: Utterance) =>
        expected.forEach((value, k) => {
          expect(said.logProbs[k]).toBeCloseTo(value, 4);
        });
      if (plan!.tokens.includes(SPECIAL['<|image_pad|>'])) continue;
      near(scoredPlainly(models, [beginning], plan!), plan!);
      const body = [...plan!.tokens].filter((token) => !ENDS.includes(token));
      const turn =
        '<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>ok?<|im_end|>\n<|im_start|>assistant\n';
      [firstEdit(i), secondEdit(i)].slice(0, rounds.length).forEach((seen, round) => {
        const { reflection } = rounds[round]!;
        if (reflection.tokens.includes(SPECIAL['<|image_pad|>'])) return;
        near(scoredPlainly(models, [beginning, body, [turn, [seen]]], reflection), reflection);
      });
    }
  });

  it.each([1, 2, 4])('scores sampled tokens as it sampled them, %i chains to a row', async (chainsPerRow) => {
    load();
    for (const temperature of [1, 0.7]) {
      const session = await policyOf().begin(tasks, 3);
      const chains = await thinkTwice(session, 3, temperature);
      session.dispose();
      const before = tf.memory().numTensors;
      const { layout, score } = policyOf({ chainsPerRow }).prepare(chains, temperature);
      const { logProbs, entropies } = tf.tidy(() => {
        const scores = score();
        return { logProbs: scores.logProbs.dataSync(), entropies: scores.entropies.dataSync() };
      });
      let counted = 0;
      layout.mask.forEach((there, i) => {
        if (there === 1) expect(logProbs[i]).toBeCloseTo(layout.sampled[i]!, 4);
        counted += there;
      });
      const texts = chains.flatMap(({ plan, rounds }) => [
        plan!,
        ...rounds.map(({ reflection }) => reflection),
      ]);
      expect(counted).toBe(texts.reduce((sum, text) => sum + text.tokens.length, 0));
      expect([...new Set(layout.stages)]).toEqual([0, 1, 2]);
      expect(Math.min(...entropies)).toBeGreaterThanOrEqual(0);
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('has the same gradients whether layers are kept or computed again, those of central differences', async () => {
    load();
    const session = await policyOf().begin(tasks, 1);
    const chains = await thinkTwice(session, 1);
    session.dispose();
    const parameters = models.model.parameters();
    const totalOf = (checkpointing: boolean) => {
      const { layout, score } = policyOf({ checkpointing }).prepare(chains, 1);
      return () =>
        tf.sum(
          tf.mul(score().logProbs, tf.tensor2d(layout.mask, [layout.chains, layout.tokens])),
        ) as tf.Scalar;
    };
    const total = totalOf(false);
    const kept = gradients(() => ({ loss: total() }), parameters);
    const again = gradients(() => ({ loss: totalOf(true)() }), parameters);
    for (const name of [
      'model.visual.patch_embed.proj.weight',
      'model.visual.blocks.2.attn.qkv.weight',
      'model.language_model.embed_tokens.weight',
      'model.language_model.layers.0.self_attn.k_proj.weight',
      'lm_head.weight',
    ]) {
      const [slope, other] = [kept, again].map(
        (result) => result.gradients.get(name)!.dataSync() as Float32Array,
      );
      const largest = slope!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      slope!.forEach((value, i) => {
        expect(Math.abs(value - other![i]!)).toBeLessThanOrEqual(1e-4 * largest);
      });
      const variable = parameters.get(name)!;
      const start = variable.dataSync().slice();
      const index = slope!.findIndex((value) => Math.abs(value) === largest);
      const at = (delta: number) => {
        const moved = start.slice();
        moved[index] = moved[index]! + delta;
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return tf.tidy(() => total().dataSync()[0]!);
      };
      const numeric = (at(2e-3) - at(-2e-3)) / 4e-3;
      tf.tidy(() => variable.assign(tf.tensor(start, variable.shape)));
      expect(Math.abs(numeric / slope![index]! - 1), name).toBeLessThan(3e-2);
    }
    kept.dispose();
    again.dispose();
  });

  it('trains an adapter alone, which gives the model itself when it is off', async () => {
    load();
    const { model } = models;
    const adapter = LoraAdapter.attach(model, {
      rank: 2,
      alpha: 4,
      targets: ['q_proj', 'layers.1.mlp.down_proj'],
      key: Key.of(1),
    });
    const policy = policyOf({ trainable: adapter.parameters() });
    const session = await policy.begin(tasks, 2);
    const chains = await thinkTwice(session, 2);
    session.dispose();
    const batch = policy.prepare(chains, 1);
    const total = () => tf.sum(batch.score().logProbs) as tf.Scalar;
    const before = tf.tidy(() => total().dataSync()[0]!);
    const { gradients: slopes, dispose } = gradients(() => ({ loss: total() }), policy.parameters());
    expect(slopes.size).toBe(adapter.parameters().size);
    for (const [name, slope] of slopes)
      tf.tidy(() => {
        const variable = adapter.parameters().get(name)!;
        variable.assign(tf.add(variable, tf.mul(slope, 1e-4)));
      });
    dispose();
    expect(tf.tidy(() => total().dataSync()[0]!)).toBeGreaterThan(before);
    const reference = noGrad(() => adapter.without(() => tf.tidy(() => total().dataSync()[0]!)));
    expect(reference).toBeCloseTo(before, 3);
    adapter.dispose();
  });

  it('ends a text between two tokens when it is told to', async () => {
    load();
    const session = await policyOf().begin(tasks, 2);
    const stop = new AbortController();
    const keys = keysOf(4, 'plan');
    await session.plan({ sampling: { ...sampling, mostTokens: 1 }, keys, signal: stop.signal });
    const speaking = session.plan({ sampling, keys, signal: stop.signal });
    setImmediate(() => stop.abort('enough')); // as a signal's handler does, which cannot run while the engine computes
    await expect(speaking).rejects.toBe('enough');
    session.dispose();
  });

  it('ends texts at the bound or after a stop word, and says only what the form allows when constrained', async () => {
    load();
    const letters = repeat(oneByte([97, 122]), { least: 1 });
    const form = {
      ...SHORT,
      planPattern: sequence(literal('do '), letters),
      reflectionPattern: choice(literal('ok'), literal('fix')),
    };
    const keys = keysOf(8, 'plan');
    const session = await policyOf({ form }).begin(tasks, 4);
    const short = await session.plan({ sampling: { temperature: 1, mostTokens: 3 }, keys });
    expect(Math.max(...short.map(({ tokens }) => tokens.length))).toBe(3);
    const free = await session.plan({ sampling, keys });
    const word = free
      .map(({ text }) => text)
      .find((text) => text.length > 3)!
      .slice(1, 2);
    const stopped = await session.plan({ sampling: { temperature: 1, stopAfter: [word] }, keys });
    stopped.forEach(({ text, wellFormed }) => {
      if (text.includes(word))
        expect([text.indexOf(word) >= text.length - 2, wellFormed]).toEqual([true, true]);
    });
    expect(stopped.some(({ text }) => text.includes(word))).toBe(true);
    const constrained = { temperature: 1, constrained: true };
    const plans = await session.plan({ sampling: constrained, keys });
    for (const { text, wellFormed } of plans) {
      expect(text).toMatch(/^do [a-z]+$/);
      expect(wellFormed).toBe(true);
    }
    expect(new Set(plans.map(({ text }) => text)).size).toBeGreaterThan(1);
    const reflections = await session.reflect([1, 6], [firstEdit(1), firstEdit(6)], {
      sampling: constrained,
      keys: keys.slice(0, 2),
    });
    for (const { text } of reflections) expect(['ok', 'fix']).toContain(text);
    session.dispose();
    const chains = plans.map((plan, i) => {
      const task = tasks[Math.floor(i / 4)]!;
      return { task, index: i % 4, plan, first: edit(task, firstEdit(i)), rounds: [] };
    });
    const { layout, score } = policyOf({ form }).prepare(chains, 1);
    tf.tidy(() => score().logProbs.dataSync()).forEach((value, i) => {
      if (layout.mask[i] === 1) expect(value).toBeCloseTo(layout.sampled[i]!, 4);
    });
  });

  it('frees everything and refuses what it cannot do', async () => {
    load();
    const before = tf.memory().numTensors;
    const session = await policyOf().begin(tasks, 2);
    await expect(session.reflect([0], [firstEdit(0)], { sampling, keys: keysOf(1, 'x') })).rejects.toThrow(
      QwenVlInputError,
    );
    const chains = await thinkTwice(session, 2);
    session.dispose();
    expect(tf.memory().numTensors).toBe(before);
    await expect(policyOf().begin(tasks, 0)).rejects.toThrow(ConfigError);
    await expect(policyOf().begin([], 2)).rejects.toThrow(ConfigError);
    expect(() => policyOf({ maxTokens: 0 })).toThrow(ConfigError);
    const misnamed = new Map([['layers.0.self_attn.q_proj.lora_A.weight', tf.variable(tf.zeros([1]))]]);
    expect(() => policyOf({ trainable: misnamed })).toThrow(
      /trainable.*attach the adapter to the model itself/,
    );
    tf.dispose(misnamed.values().next().value!);
    await expect(policyOf().begin([{ ...tasks[0]!, instruction: 'x<|im_end|>' }], 1)).rejects.toThrow(
      QwenVlInputError,
    );
    expect(() => policyOf().prepare([{ ...chains[0]!, plan: null }], 1)).toThrow(QwenVlInputError);
    expect(() => policyOf().prepare(chains, 0)).toThrow(QwenVlInputError);
  });
});

describe('plain lines', () => {
  it('that are allowed are read', () => {
    const pieces = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    const vocabulary = new TokenVocabulary([...pieces, null], 256);
    const says = (pattern: Pattern, text: string) => {
      const grammar = createTokenConstraint({ pattern, vocabulary });
      const ids = [...new TextEncoder().encode(text), 256];
      return ids.every((id, i) => grammar.allowed(ids.slice(0, i)).includes(id));
    };
    const { planPattern, reflectionPattern, readPlan, readReflection } = LINE_FORM;
    const plan = 'Reasoning: ice melts\nSteps:\n- 加水，然后停\n- é🙂\n- ひ ก\nEdit: Show a puddle.';
    expect([says(planPattern!, plan), readPlan(plan).wellFormed]).toEqual([true, true]);
    for (const text of ['Edit: x', 'Reasoning: a\nSteps:\nEdit: x', 'Reasoning: a\nSteps:\n- b\nEdit:  '])
      expect(says(planPattern!, text), text).toBe(false);
    for (const text of ['ok', 'fix\n- 加水', 'fix\n- a\n- b'])
      expect([says(reflectionPattern!, text), readReflection(text).wellFormed]).toEqual([true, true]);
    for (const text of ['okay', 'fix', 'fix\n-  ', 'fix\n- \u00a0a', 'fix\n- \u3000a', 'fix\n- \u2003'])
      expect(says(reflectionPattern!, text), text).toBe(false);
  });

  it('of a plan are read with their steps, or refused', () => {
    const plan = LINE_FORM.readPlan(
      'Reasoning: ice melts\nSteps:\n- remove the cube\n- add a puddle\nEdit: Show a puddle.',
    );
    expect(plan).toEqual({
      text: 'Show a puddle.',
      steps: ['remove the cube', 'add a puddle'],
      wellFormed: true,
    });
    expect(LINE_FORM.readPlan('edit: Show it.')).toEqual({
      text: 'Show it.',
      steps: ['Show it.'],
      wellFormed: true,
    });
    expect(LINE_FORM.readPlan('I would melt it.')).toEqual({
      text: 'I would melt it.',
      steps: [],
      wellFormed: false,
    });
  });

  it('of a reflection are ok, fix with corrections, or not well formed', () => {
    expect(LINE_FORM.readReflection('OK')).toMatchObject({ verdict: 'ok', wellFormed: true, steps: [] });
    expect(LINE_FORM.readReflection('fix\n- make it wet\n2. keep the cup')).toEqual({
      ...{ text: 'make it wet keep the cup', steps: ['make it wet', 'keep the cup'] },
      ...{ verdict: 'fix', wellFormed: true },
    });
    expect(LINE_FORM.readReflection('fix it')).toMatchObject({ verdict: 'fix', wellFormed: false });
    expect(LINE_FORM.readReflection('it is okay')).toMatchObject({ verdict: 'fix', wellFormed: false });
  });
});
