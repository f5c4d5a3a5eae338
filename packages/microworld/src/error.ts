import { ThinkError } from '@thinkrl/spec';

/** Base of every error of this package but `ConfigError`. */
export abstract class MicroworldError extends ThinkError {}

/** A word that the vocabulary does not have. */
export class UnknownWordError extends MicroworldError {
  readonly code = 'MICROWORLD_UNKNOWN_WORD';
  readonly word: string;

  constructor(problem: { readonly word: string }, options?: ErrorOptions) {
    super(`the vocabulary has no word ${JSON.stringify(problem.word)}`, options);
    this.word = problem.word;
  }
}

/** A text with more words than its slots. */
export class TextTooLongError extends MicroworldError {
  readonly code = 'MICROWORLD_TEXT_TOO_LONG';
  readonly words: number;
  readonly slots: number;

  constructor(problem: { readonly words: number; readonly slots: number }, options?: ErrorOptions) {
    super(`${problem.words} words do not fit into ${problem.slots} slots`, options);
    this.words = problem.words;
    this.slots = problem.slots;
  }
}

/** A picture that is not of the micro-world's size. */
export class PictureSizeError extends MicroworldError {
  readonly code = 'MICROWORLD_PICTURE_SIZE';
  readonly width: number;
  readonly height: number;

  constructor(problem: { readonly width: number; readonly height: number }, options?: ErrorOptions) {
    super(
      `a picture of the micro-world is 32 x 32, this one is ${problem.width} x ${problem.height}`,
      options,
    );
    this.width = problem.width;
    this.height = problem.height;
  }
}

/** Rules that never fit into one scene together. */
export class ImpossibleTaskError extends MicroworldError {
  readonly code = 'MICROWORLD_IMPOSSIBLE_TASK';
  readonly rules: readonly string[];

  constructor(problem: { readonly rules: readonly string[] }, options?: ErrorOptions) {
    super(`no scene was found for the rules ${problem.rules.join(' and ')}`, options);
    this.rules = problem.rules;
  }
}
