import type { Image } from '@thinkrl/spec';
import type OpenAI from 'openai';
import { z } from 'zod';
import {
  type ChatMessage,
  type ChatPart,
  type ChatReply,
  type ChatRequest,
  type EncodedPicture,
  isEncoded,
} from './chat.ts';
import type { TokenLimitField } from './dialect.ts';
import { jsonSchemaOf } from './json-reply.ts';
import type { TokenCount } from './usage.ts';

/** What {@link toWire} has to know beside the request. */
export interface WireOptions {
  readonly model: string;
  readonly urlOf: (image: Image) => string;
  readonly tokenLimitField: TokenLimitField;
}

/** The request in the words of the chat completions API. */
export function toWire(
  request: ChatRequest,
  { model, urlOf, tokenLimitField }: WireOptions,
): OpenAI.ChatCompletionCreateParamsNonStreaming {
  const { temperature, topP, seed, topLogProbs, schema, pictureDetail, extra } = request;
  const partOf = (part: ChatPart) => partToWire(part, { urlOf, pictureDetail });
  return {
    ...extra,
    model,
    messages: request.messages.map((message) => messageToWire(message, partOf)),
    [tokenLimitField]: request.maxTokens,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    ...(topLogProbs !== undefined && { logprobs: true }),
    ...(topLogProbs !== undefined && topLogProbs > 0 && { top_logprobs: topLogProbs }),
    ...(schema !== undefined && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: schema.name, strict: true, schema: jsonSchemaOf(schema) },
      },
    }),
  };
}

function messageToWire(
  { role, content }: ChatMessage,
  partOf: (part: ChatPart) => OpenAI.ChatCompletionContentPart,
): OpenAI.ChatCompletionMessageParam {
  if (role === 'user') return { role, content: content.map(partOf) };
  return { role, content: content.filter((part) => typeof part === 'string').join('\n') };
}

interface PictureWire {
  readonly urlOf: (image: Image) => string;
  readonly pictureDetail: ChatRequest['pictureDetail'];
}

function partToWire(part: ChatPart, { urlOf, pictureDetail }: PictureWire): OpenAI.ChatCompletionContentPart {
  if (typeof part === 'string') return { type: 'text', text: part };
  const url = isEncoded(part) ? dataUrl(part) : urlOf(part);
  return { type: 'image_url', image_url: { url, ...(pictureDetail && { detail: pictureDetail }) } };
}

function dataUrl({ mediaType, bytes }: EncodedPicture): string {
  return `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`;
}

const tokenForm = z.object({ token: z.string(), logprob: z.number() });

const completionForm = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish() }),
        finish_reason: z.string().nullish(),
        logprobs: z
          .object({
            content: z.array(tokenForm.extend({ top_logprobs: z.array(tokenForm).nullish() })).nullish(),
          })
          .nullish(),
      }),
    )
    .min(1),
  usage: z.object({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() }).nullish(),
});

/** A completion as it came, read without trust; null where it is none. */
export function fromWire(body: unknown): { readonly reply: ChatReply; readonly count: TokenCount } | null {
  const { success, data } = completionForm.safeParse(body);
  if (!success) return null;
  const { message, finish_reason, logprobs } = data.choices[0]!;
  const tokens = logprobs?.content?.map(({ token, logprob, top_logprobs }) => ({
    token,
    logProb: logprob,
    top: (top_logprobs ?? []).map((other) => ({ token: other.token, logProb: other.logprob })),
  }));
  return {
    reply: { text: message.content ?? '', tokens: tokens ?? null, complete: finish_reason !== 'length' },
    count: { prompt: data.usage?.prompt_tokens ?? 0, completion: data.usage?.completion_tokens ?? 0 },
  };
}
