import type { Image } from './image.ts';

/** A yes/no question about an edited picture. `expected` is the answer that speaks for the edit. */
export interface Question {
  readonly id: string;
  readonly text: string;
  readonly expected: 'yes' | 'no';
}

/** The questions of one task, derived once from its reference and instruction (method section 2). */
export interface Checklist {
  readonly questions: readonly Question[];
  /** Who wrote the questions: a judge's name and version, or `microworld`. */
  readonly source: string;
}

/** What the editor is asked to do: reference picture(s) `p` and instruction `c` of the paper. */
export interface EditTask {
  readonly id: string;
  readonly references: readonly Image[];
  readonly instruction: string;
  readonly category: string;
  readonly checklist?: Checklist;
}
