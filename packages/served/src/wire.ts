import type { Image } from '@thinkrl/spec';
import type OpenAI from 'openai';
import { z } from 'zod';
import type { ChatMessage, ChatPart, ChatReply, ChatRequest } from './chat.ts';
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
  const { topP, seed, topLogProbs, schema, extra } = request;
  return {
    ...extra,
    model,
    messages: request.messages.map((message) => messageToWire(message, urlOf)),
    [tokenLimitField]: request.maxTokens,
    temperature: request.temperature,
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
  urlOf: (image: Image) => string,
): OpenAI.ChatCompletionMessageParam {
  if (role === 'user') return { role, content: content.map((part) => partToWire(part, urlOf)) };
  return { role, content: content.filter((part) => typeof part === 'string').join('\n') };
}

function partToWire(part: ChatPart, urlOf: (image: Image) => string): OpenAI.ChatCompletionContentPart {
  if (typeof part === 'string') return { type: 'text', text: part };
  return { type: 'image_url', image_url: { url: urlOf(part) } };
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
