import { ConfigError, type EditCondition, type EditTask, finalImage, Key, stageEdits } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { createChainSampler, type Editor, fromPrevious, fromReference } from '../src/index.ts';
import { fakeEditor, fakePolicy } from '../src/testing/index.ts';

const picture = { width: 1, height: 1, data: new Float32Array(3) };
const tasks: EditTask[] = ['a', 'b'].map((id) => ({
  id,
  references: [picture],
  instruction: `do ${id}`,
  category: 'any',
}));
const request = { tasks, groupSize: 2, sampling: { temperature: 1 }, stochastic: [], key: Key.of(1) };

function recording(): { editor: Editor; asked: { condition: EditCondition; seed: number }[] } {
  const asked: { condition: EditCondition; seed: number }[] = [];
  const editor: Editor = {
    async sample(conditions, options) {
      asked.push(...conditions.map((condition, i) => ({ condition, seed: options.keys[i]!.seed() })));
      const made = await fakeEditor().sample(conditions, options);
      return made.map((edit) => ({ ...edit, image: { ...picture } }));
    },
  };
  return { editor, asked };
}

describe('createChainSampler', () => {
  it('edits directly from the instruction without a policy', async () => {
    const { editor, asked } = recording();
    const sampler = createChainSampler({ policy: null, editor, composer: fromReference, rounds: 0 });
    const chains = await sampler.sample(request);
    expect(chains.map((c) => [c.task.id, c.index, c.plan])).toEqual([
      ['a', 0, null],
      ['a', 1, null],
      ['b', 0, null],
      ['b', 1, null],
    ]);
    expect(asked.map((a) => a.condition.text)).toEqual(['do a', 'do a', 'do b', 'do b']);
    expect(new Set(asked.map((a) => a.seed)).size).toBe(4);
  });

  it('lets chains share a plan and edit it with noise of their own', async () => {
    const { editor, asked } = recording();
    const plain = fakePolicy({ plan: (i) => `plan ${i}`, reflect: () => 'ok' });
    const spoken: number[] = [];
    const policy: typeof plain = {
      ...plain,
      async begin(tasks, groupSize) {
        const session = await plain.begin(tasks, groupSize);
        return {
          ...session,
          plan(speak) {
            spoken.push(...speak.keys.map((key) => key.seed()));
            return session.plan(speak);
          },
        };
      },
    };
    const sampler = createChainSampler({ policy, editor, composer: fromReference, rounds: 0 });
    await sampler.sample({ ...request, groupSize: 4 });
    const alone = spoken.splice(0);
    expect(new Set(alone).size).toBe(8);
    await sampler.sample({ ...request, groupSize: 4, editsPerPlan: 2 });
    expect(spoken).toEqual([0, 0, 2, 2, 4, 4, 6, 6].map((first) => alone[first]));
    expect(new Set(asked.slice(8).map(({ seed }) => seed)).size).toBe(8);
    expect(asked.slice(8).map(({ seed }) => seed)).toEqual(asked.slice(0, 8).map(({ seed }) => seed));
  });

  it.each([
    [{ editsPerPlan: 3 }, fakePolicy({ plan: () => 'x', reflect: () => 'ok' })],
    [{ editsPerPlan: 0 }, fakePolicy({ plan: () => 'x', reflect: () => 'ok' })],
    [{ editsPerPlan: 2 }, null],
  ])('refuses plans that cannot be shared: %j', async (change, policy) => {
    const sampler = createChainSampler({ policy, editor: fakeEditor(), composer: fromReference, rounds: 0 });
    await expect(sampler.sample({ ...request, ...change })).rejects.toMatchObject({
      code: 'THINKRL_CONFIG',
      field: 'editsPerPlan',
    });
  });

  it('mends only the chains whose reflection asks for it, and ends the others', async () => {
    const { editor, asked } = recording();
    const policy = fakePolicy({
      plan: (i) => (i === 3 ? '' : `plan ${i}`),
      reflect: (i) => ['ok', 'fix it', '', 'ok'][i]!,
    });
    const sampler = createChainSampler({ policy, editor, composer: fromPrevious, rounds: 2 });
    const chains = await sampler.sample(request);
    expect(asked.slice(0, 4).map((a) => a.condition.text)).toEqual(['plan 0', 'plan 1', 'plan 2', 'do b']);
    expect(asked.slice(4).map((a) => a.condition.text)).toEqual(['fix it', 'fix it']);
    expect(chains.map((c) => c.rounds.length)).toEqual([1, 2, 1, 1]);
    expect(chains.map((c) => stageEdits(c).length)).toEqual([2, 3, 2, 2]);
    expect(stageEdits(chains[0]!)[1]).toBe(chains[0]!.first);
    expect(asked[5]!.condition.references[0]).toBe(chains[1]!.rounds[0]!.edit!.image);
    expect(finalImage(chains[1]!)).toBe(chains[1]!.rounds[1]!.edit!.image);
  });

  it('composes plan and reflection on the original reference, as the paper does', async () => {
    const { editor, asked } = recording();
    const policy = fakePolicy({ plan: () => 'plan', reflect: () => 'fix it' });
    const sampler = createChainSampler({ policy, editor, composer: fromReference, rounds: 1 });
    await sampler.sample({ ...request, groupSize: 1 });
    expect(asked[2]!.condition).toEqual({ references: [picture], text: 'plan fix it' });
  });

  it('gives a chain the same keys whatever else is in the batch', async () => {
    const both = recording();
    const alone = recording();
    const build = (editor: Editor) =>
      createChainSampler({ policy: null, editor, composer: fromReference, rounds: 0 });
    await build(both.editor).sample(request);
    await build(alone.editor).sample({ ...request, tasks: [tasks[1]!] });
    expect(alone.asked.map((a) => a.seed)).toEqual(both.asked.slice(2).map((a) => a.seed));
  });

  it.each(['plan', 'edit', 'reflect'])(
    'gives up after the stage (%s) during which it is told to',
    async (stage) => {
      const stop = new AbortController();
      const done: string[] = [];
      const during = <T>(
        name: string,
        work: () => T,
        told?: { readonly signal?: AbortSignal | undefined },
      ): T => {
        done.push(name);
        if (name !== 'disposed') expect(told?.signal).toBe(stop.signal);
        if (name === stage) stop.abort();
        return work();
      };
      const plain = fakePolicy({ plan: () => 'plan', reflect: () => 'fix it' });
      const policy: typeof plain = {
        ...plain,
        async begin(...call) {
          const session = await plain.begin(...call);
          return {
            plan: (...speak) => during('plan', () => session.plan(...speak), speak[0]),
            reflect: (...seats) => during('reflect', () => session.reflect(...seats), seats[2]),
            dispose: () => during('disposed', () => session.dispose()),
          };
        },
      };
      const editor: Editor = {
        sample: (...call) => during('edit', () => fakeEditor().sample(...call), call[1]),
      };
      const sampler = createChainSampler({ policy, editor, composer: fromReference, rounds: 1 });
      const sampling = sampler.sample({ ...request, signal: stop.signal });
      await expect(sampling).rejects.toMatchObject({ name: 'AbortError' });
      const stages = ['plan', 'edit', 'reflect'];
      expect(done).toEqual([...stages.slice(0, stages.indexOf(stage) + 1), 'disposed']);
    },
  );

  it('refuses rounds without a policy and a fraction of a round', () => {
    const parts = { policy: null, editor: fakeEditor(), composer: fromReference };
    expect(() => createChainSampler({ ...parts, rounds: 1 })).toThrow(ConfigError);
    expect(() => createChainSampler({ ...parts, rounds: 0.5 })).toThrow('rounds is 0.5');
  });
});
