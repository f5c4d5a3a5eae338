import type { ReplyToken } from '../chat.ts';

/** What the model behind the server says. */
export interface ServerAnswer {
  readonly text: string;
  /** The tokens with their true log-probabilities, where the model has them. */
  readonly tokens?: readonly ReplyToken[];
}
