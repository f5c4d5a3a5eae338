import type { Image } from '@thinkrl/spec';
import type { z } from 'zod';

/** A picture as the bytes of its file; sent as they are. */
export interface EncodedPicture {
  /** For example `image/jpeg`. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A piece of a message: text, a picture that is sent as a PNG data URL, or the file of one. */
export type ChatPart = string | Image | EncodedPicture;

/** Whether a piece of a message is the file of a picture. */
export function isEncoded(part: ChatPart): part is EncodedPicture {
  return typeof part === 'object' && 'mediaType' in part;
}

/** One message of a conversation. Only user messages may hold pictures. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly ChatPart[];
}

/** A JSON form that the server is asked to keep its reply to. */
export interface ReplySchema {
  /** Letters, digits, `_` and `-`. */
  readonly name: string;
  readonly schema: z.ZodType;
}

/** One question to a served model. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  /** Left out, the server's own default rules. */
  readonly temperature?: number;
  readonly topP?: number;
  /** Equal requests with equal seeds get equal replies from a server that keeps to its seed. */
  readonly seed?: number;
  /** Alternatives wanted at each token; 0 for the log-probabilities of the reply alone, left out for none. */
  readonly topLogProbs?: number;
  readonly schema?: ReplySchema;
  /** How closely pictures are looked at, by servers that have such a setting. */
  readonly pictureDetail?: 'low' | 'high' | 'auto';
  /**
   * Equal requests are one and the same question: an `Idempotency-Key` made of the request is sent along, and a server
   * that heeds it answers a repeated request without asking its model again.
   */
  readonly idempotent?: boolean;
  /** Fields beyond the common ones, for example `top_k` or `chat_template_kwargs`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A token and its natural log-probability. */
export interface TokenLogProb {
  readonly token: string;
  readonly logProb: number;
}

/** A token of a reply with the alternatives at its place, likeliest first. */
export interface ReplyToken extends TokenLogProb {
  readonly top: readonly TokenLogProb[];
}

/** What the model said. */
export interface ChatReply {
  readonly text: string;
  /** Null where the server gives no log-probabilities. */
  readonly tokens: readonly ReplyToken[] | null;
  /** Whether the reply ended by itself, not by the token limit. */
  readonly complete: boolean;
}
