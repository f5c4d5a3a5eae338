import { createTokenConstraint, type TokenGrammar, type TokenVocabulary } from '@thinkrl/cot-sampler';
import type { EditTask, Image } from '@thinkrl/spec';
import type { QwenVl } from './model.ts';
import { afterWords, type PlacedText, words } from './placed-text.ts';
import { positionsOf } from './positions.ts';
import type { EncodedText, QwenVlProcessor } from './processor.ts';
import type { ReasoningForm } from './reasoning-form.ts';

const END = '<|im_end|>';

/** A model with the way it is talked to. */
export interface ReasonerParts {
  readonly model: QwenVl;
  readonly processor: QwenVlProcessor;
  readonly form: ReasoningForm;
}

/** An edit that is looked at. */
export interface SeenEdit {
  readonly task: EditTask;
  readonly edited: Image;
}

/** What the model is shown of tasks and edits, token by token: the same for sampling and for scoring. */
export class Reasoner {
  readonly model: QwenVl;
  readonly processor: QwenVlProcessor;
  readonly form: ReasoningForm;
  /** Tokens that end a text. */
  readonly ends: ReadonlySet<number>;
  private readonly grammars = new Map<string, TokenGrammar>();
  private vocabulary: TokenVocabulary | undefined;

  constructor({ model, processor, form }: ReasonerParts) {
    this.model = model;
    this.processor = processor;
    this.form = form;
    this.ends = new Set([END, '<|endoftext|>'].map((token) => processor.tokenizer.idOf(token)));
  }

  /** A task up to where the plan begins. */
  prompt(task: EditTask): PlacedText {
    return this.place(this.processor.chat(this.form.plan(task)), 0);
  }

  /** An edit after a plan, up to where the reflection begins, `unread` tokens first. */
  look({ task, edited }: SeenEdit, unread: readonly number[], from: number): PlacedText {
    const text = this.processor.chatNext(this.form.plan(task), this.form.reflection(task, edited));
    return afterWords(words(Int32Array.from(unread), from), this.place(text, from + unread.length));
  }

  /** Tokens of a text that a reader of what follows has still to read: the last one unless it only ended the text. */
  unread(tokens: ArrayLike<number>): readonly number[] {
    const last = tokens[tokens.length - 1];
    return last === undefined || this.ends.has(last) ? [] : [last];
  }

  /** What a kind of text may say within so many tokens; nothing where the form leaves it open. */
  grammar(kind: 'plan' | 'reflection', mostTokens: number): TokenGrammar | undefined {
    const pattern = kind === 'plan' ? this.form.planPattern : this.form.reflectionPattern;
    if (pattern === undefined) return undefined;
    const name = `${kind} ${mostTokens}`;
    const { tokenizer } = this.processor;
    this.vocabulary ??= tokenizer.vocabulary(tokenizer.idOf(END));
    const { vocabulary } = this;
    const grammar = this.grammars.get(name) ?? createTokenConstraint({ pattern, vocabulary, mostTokens });
    this.grammars.set(name, grammar);
    return grammar;
  }

  private place(text: EncodedText, from: number): PlacedText {
    const { imageToken, vision } = this.model.config;
    const { grids } = text.patches;
    const positions = positionsOf(text.ids, { grids, imageToken, merge: vision.merge, from });
    const places = [...text.ids.keys()].filter((i) => text.ids[i] === imageToken);
    return { ...text, positions, places };
  }
}
