import type { IncomingMessage } from 'node:http';
import type { Image } from '@thinkrl/spec';
import { decode } from 'fast-png';
import { z } from 'zod';
import type { ChatPart, EncodedPicture } from '../chat.ts';
import { ServedError } from '../error.ts';
import type { ServerRequest } from './server-request.ts';

/** A request that the server does not understand; it becomes a status 400. */
export class BadRequestError extends ServedError {
  readonly code = 'SERVED_BAD_REQUEST';
}

const longestBody = 64 * 2 ** 20;

const partForm = z.union([
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }),
]);
const requestForm = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      role: z.enum(['system', 'user', 'assistant']),
      content: z.union([z.string(), z.array(partForm)]),
    }),
  ),
  temperature: z.number().default(1),
  seed: z.number().optional(),
  max_tokens: z.number().optional(),
  stop: z.array(z.string()).default([]),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().nullish(),
  response_format: z.object({ json_schema: z.object({ schema: z.unknown() }).optional() }).optional(),
  stream: z.literal(false).optional(),
});

/**
 * Reads the body of a chat completion request.
 *
 * @throws BadRequestError for a body that is too long, no JSON, or asks for what the server does not do.
 */
export async function readCompletionRequest(incoming: IncomingMessage): Promise<ServerRequest> {
  const result = requestForm.safeParse(parse(await bodyOf(incoming)));
  if (!result.success) throw new BadRequestError(z.prettifyError(result.error));
  const { model, messages, seed, temperature, stop, max_tokens, logprobs, top_logprobs, response_format } =
    result.data;
  return {
    model,
    messages: messages.map(({ role, content }) => ({
      role,
      content: typeof content === 'string' ? [content] : content.map(readPart),
    })),
    seed,
    temperature,
    maxTokens: max_tokens,
    stop,
    topLogProbs: logprobs ? (top_logprobs ?? 0) : undefined,
    schema: response_format?.json_schema?.schema,
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestBody) throw new BadRequestError(`the body is longer than ${longestBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new BadRequestError('the body is no JSON');
  }
}

function readPart(part: z.infer<typeof partForm>): ChatPart {
  return part.type === 'text' ? part.text : readPicture(part.image_url.url);
}

const pictureUrlForm = /^data:(image\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+={0,2})$/;

/** PNGs are decoded, other pictures are handed on as their files. */
function readPicture(url: string): Image | EncodedPicture {
  const [, mediaType, base64] = pictureUrlForm.exec(url) ?? [];
  if (mediaType === undefined || base64 === undefined)
    throw new BadRequestError('pictures are taken as data URLs alone');
  const bytes = Buffer.from(base64, 'base64');
  return mediaType === 'image/png' ? decodePicture(bytes) : { mediaType, bytes };
}

function decodePicture(bytes: Uint8Array): Image {
  try {
    const { width, height, channels, depth, data } = decode(bytes);
    const top = 2 ** depth - 1;
    const source = (pixel: number, channel: number) => data[pixel * channels + (channels < 3 ? 0 : channel)]!;
    return {
      width,
      height,
      data: Float32Array.from(
        { length: width * height * 3 },
        (_, i) => source(Math.floor(i / 3), i % 3) / top,
      ),
    };
  } catch {
    throw new BadRequestError('a picture is no PNG');
  }
}
