import {
  checkSampling,
  type ReasoningSession,
  type SamplingOptions,
  type SpeakRequest,
} from '@thinkrl/cot-sampler';
import type { EditTask, Image, Reflection, Utterance } from '@thinkrl/spec';
import { QwenVlInputError } from './error.ts';
import type { PlacedText } from './placed-text.ts';
import type { Reasoner } from './reasoner.ts';
import type { ReadPlan } from './reasoning-form.ts';
import type { Segment } from './sheet.ts';
import { type Seat, Speaker, type SpeakOptions, type Spoken } from './speaker.ts';

/** What a {@link QwenVlSession} works on. */
export interface SessionOptions {
  readonly reasoner: Reasoner;
  readonly tasks: readonly EditTask[];
  readonly groupSize: number;
  readonly maxTokens: number;
}

/** A chain after its plan. */
interface Planned {
  readonly branch: number;
  readonly tokens: readonly number[];
}

/** Qwen2.5-VL at work on one batch: prompts are computed and kept once per task, whatever the size of the groups. */
export class QwenVlSession implements ReasoningSession {
  private readonly options: SessionOptions;
  private readonly prompts: readonly PlacedText[];
  private readonly speaker: Speaker;
  private readonly promptLength: number;
  /** Logits after each prompt. */
  private opening: readonly Float32Array[] | null = null;
  private planned: readonly Planned[] | null = null;
  private thought = 0;

  constructor(options: SessionOptions) {
    const { reasoner, tasks, groupSize, maxTokens } = options;
    this.options = options;
    this.prompts = tasks.map((task) => reasoner.prompt(task));
    this.promptLength = Math.max(...this.prompts.map(({ ids }) => ids.length));
    this.speaker = new Speaker(reasoner.model, tasks.length, this.promptLength + groupSize * maxTokens);
  }

  /** One plan per chain. */
  async plan({ sampling, keys, signal }: SpeakRequest): Promise<readonly Utterance[]> {
    checkSampling(sampling);
    const { reasoner, groupSize } = this.options;
    const manner = this.manner('plan', sampling);
    this.opening ??= await this.speaker.feed(
      this.prompts.map((prompt, row) => ({ row, branch: 0, ...prompt })),
    );
    this.speaker.truncate(this.promptLength);
    const seats = keys.map((key, chain): Seat => {
      const row = Math.floor(chain / groupSize);
      return {
        row,
        branch: this.speaker.branch(row, 0),
        next: this.prompts[row]!.positions.next,
        logits: this.opening![row]!,
        stream: key.stream(),
      };
    });
    const said = await this.speaker.speak(seats, { ...manner, signal });
    this.planned = said.map(({ tokens }, chain) => ({ branch: seats[chain]!.branch, tokens }));
    this.thought = this.speaker.length;
    return said.map((spoken) => ({
      ...utterance(spoken),
      ...this.meaning(spoken, (text) => reasoner.form.readPlan(text)),
    }));
  }

  /** One reflection per listed chain. Throws {@link QwenVlInputError} before planning. */
  async reflect(
    chains: readonly number[],
    edits: readonly Image[],
    { sampling, keys, signal }: SpeakRequest,
  ): Promise<readonly Reflection[]> {
    checkSampling(sampling);
    const { reasoner, maxTokens } = this.options;
    const manner = this.manner('reflection', sampling);
    this.speaker.truncate(this.thought);
    const looks = chains.map((chain, i) => this.look(chain, edits[i]!));
    this.speaker.reserve(mostColumns(looks, maxTokens));
    const logits = await this.speaker.feed(looks);
    const seats = looks.map(
      ({ row, branch, positions }, i): Seat => ({
        row,
        branch,
        next: positions.next,
        logits: logits[i]!,
        stream: keys[i]!.stream(),
      }),
    );
    const said = await this.speaker.speak(seats, { ...manner, signal });
    return said.map((spoken) => ({
      ...utterance(spoken),
      ...this.meaning(spoken, (text) => reasoner.form.readReflection(text)),
    }));
  }

  dispose(): void {
    this.speaker.dispose();
  }

  private manner(kind: 'plan' | 'reflection', sampling: SamplingOptions): SpeakOptions {
    const { reasoner } = this.options;
    const { mostTokens = Number.POSITIVE_INFINITY, stopAfter = [], constrained = false } = sampling;
    const maxTokens = Math.min(this.options.maxTokens, mostTokens);
    const hasStop = (tokens: readonly number[]) => {
      const text = reasoner.processor.tokenizer.decode(tokens);
      return stopAfter.some((word) => text.includes(word));
    };
    return {
      sampling,
      maxTokens,
      isEnd: (tokens) => reasoner.ends.has(tokens.at(-1)!) || (stopAfter.length > 0 && hasStop(tokens)),
      grammar: constrained ? reasoner.grammar(kind, maxTokens) : undefined,
    };
  }

  /** A chain's edit as a segment of a branch of its own. */
  private look(chain: number, edited: Image): Segment {
    if (this.planned === null) throw new QwenVlInputError('reflect needs plans first');
    const { reasoner, tasks, groupSize } = this.options;
    const row = Math.floor(chain / groupSize);
    const { branch, tokens } = this.planned[chain]!;
    const from = this.prompts[row]!.positions.next + tokens.length - 1;
    const text = reasoner.look({ task: tasks[row]!, edited }, reasoner.unread(tokens), from);
    return { row, branch: this.speaker.branch(row, branch), ...text };
  }

  /** What was said as the form reads it; a text that was cut off does not count as well formed. */
  private meaning<Read extends ReadPlan>({ tokens, ended }: Spoken, read: (text: string) => Read): Read {
    const said = read(this.options.reasoner.processor.tokenizer.decode(tokens));
    return ended ? said : { ...said, steps: [], wellFormed: false };
  }
}

/** Columns that the fullest row can come to take when every segment is followed by `maxTokens` tokens. */
function mostColumns(segments: readonly Segment[], maxTokens: number): number {
  const sums = new Map<number, { ids: number; texts: number }>();
  for (const { row, ids } of segments) {
    const sum = sums.get(row) ?? { ids: 0, texts: 0 };
    sums.set(row, { ids: sum.ids + ids.length, texts: sum.texts + 1 });
  }
  const most = (name: 'ids' | 'texts') => Math.max(...[...sums.values()].map((sum) => sum[name]));
  return most('ids') + most('texts') * maxTokens;
}

function utterance({ tokens, logProbs }: Spoken): Pick<Utterance, 'tokens' | 'logProbs'> {
  return { tokens: Int32Array.from(tokens), logProbs: Float32Array.from(logProbs) };
}
