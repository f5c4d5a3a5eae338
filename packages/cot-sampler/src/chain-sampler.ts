import type { Chain, Edit, EditCondition, EditTask, Key, Reflection, Round, Utterance } from '@thinkrl/spec';
import { ConfigError } from '@thinkrl/spec';
import type { ConditionComposer } from './condition.ts';
import type { ReasoningPolicy, ReasoningSession, SamplingOptions } from './policy.ts';

/** The generation module as the sampler sees it: `EditSampler` of edit-generator fits. */
export interface Editor {
  /** One edit per condition; the draws of edit `i` depend on `keys[i]` alone. */
  sample(
    conditions: readonly EditCondition[],
    options: {
      readonly keys: readonly Key[];
      readonly stochastic: readonly number[];
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<readonly Edit[]>;
}

/** What a chain sampler is made of. */
export interface ChainSamplerOptions<Task extends EditTask> {
  /** Null edits directly from the instruction. */
  readonly policy: ReasoningPolicy<Task> | null;
  readonly editor: Editor;
  readonly composer: ConditionComposer<Task>;
  /** Rounds of reflect-and-edit after the first edit; 0 is planning only. */
  readonly rounds: number;
}

/** One batch of chains to sample. */
export interface ChainRequest<Task extends EditTask> {
  readonly tasks: readonly Task[];
  readonly groupSize: number;
  /**
   * Chains of a group that share a plan, which each edits with noise of its own; chain `i` has plan
   * `floor(i / editsPerPlan)`. A group of M x K chains then has M plans, and plan and edit can be credited apart.
   * @defaultValue 1
   */
  readonly editsPerPlan?: number;
  readonly sampling: SamplingOptions;
  /** Denoising steps drawn by the SDE; none for a deterministic edit. */
  readonly stochastic: readonly number[];
  readonly key: Key;
  /**
   * Gives the batch up between two of its stages, or within one where policy and editor look at it: it then rejects with the
   * signal's reason.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Samples chains of thought: plan, edit, reflect, edit again. */
export interface ChainSampler<Task extends EditTask> {
  /**
   * `tasks.length * groupSize` chains, task-major. The same key gives the same chains, however tasks are batched.
   *
   * @throws ConfigError when a group cannot be divided into plans.
   */
  sample(request: ChainRequest<Task>): Promise<readonly Chain<Task>[]>;
}

interface Draft<Task extends EditTask> {
  readonly task: Task;
  readonly index: number;
  readonly key: Key;
  readonly plan: Utterance | null;
  readonly first: Edit;
  readonly rounds: Round[];
  newest: Edit;
  open: boolean;
}

/**
 * Builds the sampler of method section 1, steps 1 to 4. A chain whose reflection says `ok`, or asks for a fix in words
 * that do not parse, keeps its picture and ends.
 *
 * @throws ConfigError when `rounds` is not a whole number >= 0, or rounds are asked for without a policy.
 */
export function createChainSampler<Task extends EditTask>(
  options: ChainSamplerOptions<Task>,
): ChainSampler<Task> {
  const { policy, rounds } = options;
  if (!Number.isInteger(rounds) || rounds < 0) {
    throw new ConfigError({ field: 'rounds', value: rounds, fix: 'use a whole number of at least 0' });
  }
  if (rounds > 0 && policy === null) {
    throw new ConfigError({
      field: 'rounds',
      value: rounds,
      fix: 'use 0 without a policy: nobody could reflect',
    });
  }
  return {
    async sample(request) {
      checkPlans(request, policy !== null);
      const session = policy === null ? null : await policy.begin(request.tasks, request.groupSize);
      try {
        const drafts = await startDrafts(session, options, request);
        for (let round = 1; round <= rounds; round++) {
          await reconsider({ session: session!, options, request, drafts, round });
        }
        return drafts.map(({ task, index, plan, first, rounds }) => ({ task, index, plan, first, rounds }));
      } finally {
        session?.dispose();
      }
    },
  };
}

function checkPlans(
  { groupSize, editsPerPlan = 1 }: Pick<ChainRequest<EditTask>, 'groupSize' | 'editsPerPlan'>,
  planned: boolean,
): void {
  const refuse = (fix: string) => {
    throw new ConfigError({ field: 'editsPerPlan', value: editsPerPlan, fix });
  };
  if (!Number.isInteger(editsPerPlan) || editsPerPlan < 1) refuse('use a whole number of at least 1');
  if (groupSize % editsPerPlan !== 0) refuse(`use a divisor of groupSize ${groupSize}`);
  if (editsPerPlan > 1 && !planned) refuse('use 1 without a policy: there are no plans');
}

/** Steps 1 and 2: plans and first edits. */
async function startDrafts<Task extends EditTask>(
  session: ReasoningSession | null,
  options: ChainSamplerOptions<Task>,
  request: ChainRequest<Task>,
): Promise<readonly Draft<Task>[]> {
  const seats = request.tasks.flatMap((task) =>
    request.key
      .fold(task.id)
      .split(request.groupSize)
      .map((key, index) => ({ task, index, key })),
  );
  const { editsPerPlan = 1 } = request;
  // What is said depends on the key alone: chains that take the key of the first of them share its plan.
  const { sampling, stochastic, signal } = request;
  const plans = await session?.plan({
    sampling,
    signal,
    keys: seats.map((_, seat) => seats[seat - (seat % editsPerPlan)]!.key.fold('plan')),
  });
  signal?.throwIfAborted();
  const edits = await options.editor.sample(
    seats.map(({ task }, i) => options.composer.first(task, plans?.[i] ?? null)),
    { keys: seats.map(({ key }) => key.fold('edit')), stochastic, signal },
  );
  return seats.map((seat, i) => ({
    ...seat,
    plan: plans?.[i] ?? null,
    first: edits[i]!,
    rounds: [],
    newest: edits[i]!,
    open: true,
  }));
}

interface Reconsideration<Task extends EditTask> {
  readonly session: ReasoningSession;
  readonly options: ChainSamplerOptions<Task>;
  readonly request: ChainRequest<Task>;
  readonly drafts: readonly Draft<Task>[];
  readonly round: number;
}

/** Steps 3 and 4: one round of reflection and, where it asks for a fix, another edit. */
async function reconsider<Task extends EditTask>(step: Reconsideration<Task>): Promise<void> {
  const { session, options, request, drafts, round } = step;
  const seats = drafts.flatMap((draft, seat) => (draft.open ? [seat] : []));
  if (seats.length === 0) return;
  const { sampling, stochastic, signal } = request;
  signal?.throwIfAborted();
  const open = seats.map((seat) => drafts[seat]!);
  const reflections = await session.reflect(
    seats,
    open.map((draft) => draft.newest.image),
    { sampling, signal, keys: open.map(({ key }) => key.fold('reflect').fold(round)) },
  );
  const mending = open.flatMap((draft, i) =>
    asksForEdit(reflections[i]!) ? [{ draft, reflection: reflections[i]! }] : [],
  );
  signal?.throwIfAborted();
  const edits = await editAgain(mending, options, { stochastic, signal, round });
  open.forEach((draft, i) => {
    const edit = edits.get(draft) ?? null;
    draft.rounds.push({ reflection: reflections[i]!, edit });
    draft.newest = edit ?? draft.newest;
    draft.open = edit !== null;
  });
}

function asksForEdit(reflection: Reflection): boolean {
  return reflection.verdict === 'fix' && reflection.wellFormed;
}

async function editAgain<Task extends EditTask>(
  mending: readonly { readonly draft: Draft<Task>; readonly reflection: Reflection }[],
  { editor, composer }: ChainSamplerOptions<Task>,
  {
    stochastic,
    signal,
    round,
  }: Pick<ChainRequest<Task>, 'stochastic' | 'signal'> & { readonly round: number },
): Promise<ReadonlyMap<Draft<Task>, Edit>> {
  if (mending.length === 0) return new Map();
  const conditions = mending.map(({ draft, reflection }) =>
    composer.again({ task: draft.task, plan: draft.plan, reflection, previous: draft.newest }),
  );
  const keys = mending.map(({ draft }) => draft.key.fold('edit').fold(round));
  const edits = await editor.sample(conditions, { keys, stochastic, signal });
  return new Map(mending.map(({ draft }, i) => [draft, edits[i]!]));
}
