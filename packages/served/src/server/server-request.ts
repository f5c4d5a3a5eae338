import type { ChatMessage } from '../chat.ts';

/** A request as the server got it, its pictures decoded. */
export interface ServerRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly seed: number | undefined;
  readonly temperature: number;
  /** Longest reply, in tokens. */
  readonly maxTokens: number | undefined;
  /** Texts that a reply stops before. */
  readonly stop: readonly string[];
  /** Alternatives wanted at each token, undefined where no log-probabilities are. */
  readonly topLogProbs: number | undefined;
  /** The JSON schema that the reply is to keep to. */
  readonly schema: unknown;
}
