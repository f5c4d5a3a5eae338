export type { RetryOptions } from './attempt.ts';
export { probeServer, type ServerCapabilities } from './capabilities.ts';
export {
  type ChatMessage,
  type ChatPart,
  type ChatReply,
  type ChatRequest,
  type EncodedPicture,
  isEncoded,
  type ReplySchema,
  type ReplyToken,
  type TokenLogProb,
} from './chat.ts';
export type { TokenLimitField } from './dialect.ts';
export {
  type FailureReason,
  type RequestProblem,
  ServedError,
  ServedRequestError,
  UnreadableReplyError,
} from './error.ts';
export { readJson } from './json-reply.ts';
export { quoteFields, quoteText } from './quote.ts';
export {
  type AskOptions,
  createServedModel,
  type ServedModel,
  type ServedModelOptions,
} from './served-model.ts';
export type { TokenPrice, Usage } from './usage.ts';
export { type YesMass, yesMass } from './yes-no.ts';
