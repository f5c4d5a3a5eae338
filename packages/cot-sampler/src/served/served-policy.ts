import {
  type ChatMessage,
  type ChatReply,
  type ChatRequest,
  probeServer,
  type ServedModel,
  ServedRequestError,
  type ServerCapabilities,
} from '@thinkrl/served';
import type { EditTask, Image, Key, Utterance } from '@thinkrl/spec';
import type { z } from 'zod';
import type { ReasoningPolicy, ReasoningSession, SamplingOptions } from '../policy.ts';
import { planPrompt, reflectionPrompt } from './prompt.ts';
import { nothingSaid, planIn, planSchema, reflectionIn, reflectionSchema } from './reply.ts';

/** Settings of {@link createServedPolicy}. */
export interface ServedPolicyOptions {
  readonly model: ServedModel;
  /** What the server can do; default: found out by asking it. */
  readonly capabilities?: ServerCapabilities;
  /** Longest reply, in tokens; default 1024. */
  readonly maxTokens?: number;
  /** Further fields of every request, for example `{ chat_template_kwargs: { enable_thinking: false } }`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Cancels every request of the policy. */
  readonly signal?: AbortSignal;
}

/** What a served policy said, counted over its life. */
export interface ServedPolicyCounts {
  readonly plans: number;
  readonly reflections: number;
  /** Plans and reflections that came and did not parse; their text is kept. */
  readonly unparsed: number;
  /** Requests that got no reply after every attempt; they count as utterances without text. */
  readonly failed: number;
}

/** A frozen planner behind a server. */
export interface ServedPolicy<Task extends EditTask = EditTask> extends ReasoningPolicy<Task> {
  /** The counts so far. */
  counts(): ServedPolicyCounts;
}

/**
 * A vision and language model behind an OpenAI-compatible server as the understanding module. It plans and reflects and
 * is not trained. Replies are kept to a JSON schema where the server can, and read leniently elsewhere. A key becomes
 * the seed of its request; equal keys of one task are asked once, so chains that share a key share a plan whatever the
 * server makes of seeds. `topK` and `minP` go out as `top_k` and `min_p`, which vLLM, SGLang and llama.cpp take; `mostTokens` caps
 * `maxTokens`, and `stopAfter` goes out as `stop`.
 *
 * A plan that does not parse, or did not come, is not well formed: composers fall back to the plain instruction.
 * `plan` and `reflect` throw `ServedRequestError` when the server gave no reply to any request of a batch.
 *
 * @throws ServedRequestError when the server does not answer the probe.
 * @example
 * const policy = await createServedPolicy({ model: createServedModel({ baseURL, model: 'Qwen/Qwen2.5-VL-7B-Instruct' }) });
 */
export async function createServedPolicy<Task extends EditTask = EditTask>(
  options: ServedPolicyOptions,
): Promise<ServedPolicy<Task>> {
  const { model, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const capabilities = options.capabilities ?? (await probeServer(model, call));
  const counts = { plans: 0, reflections: 0, unparsed: 0, failed: 0 };
  const speaker = { options, capabilities, counts };
  return {
    name: model.name,
    counts: () => ({ ...counts }),
    begin: async (tasks, groupSize) => createSession(speaker, seats(tasks, groupSize)),
  };
}

interface Speaker {
  readonly options: ServedPolicyOptions;
  readonly capabilities: ServerCapabilities;
  readonly counts: { -readonly [name in keyof ServedPolicyCounts]: number };
}

function seats(tasks: readonly EditTask[], groupSize: number): readonly EditTask[] {
  return tasks.flatMap((task) => Array<EditTask>(groupSize).fill(task));
}

function createSession(speaker: Speaker, tasks: readonly EditTask[]): ReasoningSession {
  let plans: readonly Utterance[] = [];
  return {
    async plan({ sampling, keys }) {
      const said = await sayAll(speaker, { sampling, form: { name: 'plan', schema: planSchema } }, () =>
        tasks.map((task, seat) => ({ subject: task, messages: planPrompt(task), key: keys[seat]! })),
      );
      plans = said.map(planIn);
      count(speaker, 'plans', plans);
      return plans;
    },
    async reflect(chains, edits, { sampling, keys }) {
      const form = { name: 'reflection', schema: reflectionSchema };
      const said = await sayAll(speaker, { sampling, form }, () =>
        chains.map((chain, i) => {
          const task = tasks[chain]!;
          const plan = plans[chain]?.wellFormed ? plans[chain].text : task.instruction;
          const edited = edits[i]!;
          return { subject: edited, messages: reflectionPrompt({ task, plan, edited }), key: keys[i]! };
        }),
      );
      const reflections = said.map(reflectionIn);
      count(speaker, 'reflections', reflections);
      return reflections;
    },
    dispose() {},
  };
}

function count({ counts }: Speaker, kind: 'plans' | 'reflections', said: readonly Utterance[]): void {
  counts[kind] += said.length;
  counts.unparsed += said.filter(({ text, wellFormed }) => !wellFormed && text !== '').length;
}

/** One thing to be said: equal subjects with equal keys are said once. */
interface Line {
  readonly subject: EditTask | Image;
  readonly messages: readonly ChatMessage[];
  readonly key: Key;
}

interface Manner {
  readonly sampling: SamplingOptions;
  readonly form: { readonly name: string; readonly schema: z.ZodType };
}

async function sayAll(
  speaker: Speaker,
  manner: Manner,
  lines: () => readonly Line[],
): Promise<readonly ChatReply[]> {
  const asked = new Map<Line['subject'], Map<string, Promise<ChatReply | ServedRequestError>>>();
  const replies = await Promise.all(
    lines().map((line) => {
      const ofSubject = asked.get(line.subject) ?? new Map<string, Promise<ChatReply | ServedRequestError>>();
      asked.set(line.subject, ofSubject);
      const name = line.key.words().join();
      const reply = ofSubject.get(name) ?? say(speaker, manner, line);
      ofSubject.set(name, reply);
      return reply;
    }),
  );
  const failed = replies.filter((reply) => reply instanceof ServedRequestError);
  if (failed.length > 0 && failed.length === replies.length) throw failed[0];
  return replies.map((reply) => (reply instanceof ServedRequestError ? nothingSaid : reply));
}

async function say(speaker: Speaker, manner: Manner, line: Line): Promise<ChatReply | ServedRequestError> {
  const { options, counts } = speaker;
  const call = options.signal === undefined ? {} : { signal: options.signal };
  try {
    return await options.model.ask(requestOf(speaker, manner, line), (reply) => reply, call);
  } catch (error) {
    if (!(error instanceof ServedRequestError)) throw error;
    counts.failed += 1;
    return error;
  }
}

function requestOf({ options, capabilities }: Speaker, { sampling, form }: Manner, line: Line): ChatRequest {
  const { temperature, topK, topP, minP, mostTokens = Number.POSITIVE_INFINITY, stopAfter = [] } = sampling;
  return {
    messages: line.messages,
    maxTokens: Math.min(options.maxTokens ?? 1024, mostTokens),
    temperature,
    seed: line.key.seed() % 2 ** 31,
    ...(topP !== undefined && { topP }),
    ...(capabilities.logProbs && { topLogProbs: 0 }),
    ...(capabilities.jsonSchema && { schema: form }),
    extra: {
      ...(topK !== undefined && { top_k: topK }),
      ...(minP !== undefined && { min_p: minP }),
      ...(stopAfter.length > 0 && { stop: stopAfter }),
      ...options.extra,
    },
  };
}
