import { z } from 'zod';
import type { ChatReply, ReplySchema } from './chat.ts';
import { UnreadableReplyError } from './error.ts';

/** The schema in the words of JSON Schema, as servers take it. */
export function jsonSchemaOf({ schema }: ReplySchema): Record<string, unknown> {
  const { $schema: _, ...body } = z.toJSONSchema(schema);
  return body;
}

/**
 * The reply as a value of the schema. What surrounds the one JSON object is dropped: a code fence, a preface, the
 * thoughts of a reasoning model.
 *
 * @throws UnreadableReplyError when the reply was cut off, holds no JSON or JSON of another form.
 */
export function readJson<T>(reply: ChatReply, schema: z.ZodType<T>): T {
  if (!reply.complete) throw new UnreadableReplyError('the reply was cut off by the token limit');
  const result = schema.safeParse(jsonIn(reply.text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const place = issue?.path.join('.') || 'the reply';
  throw new UnreadableReplyError(`${place}: ${issue?.message ?? 'has another form'}`);
}

function jsonIn(text: string): unknown {
  const said = text.slice(text.lastIndexOf('</think>') + 1);
  const first = said.indexOf('{');
  const last = said.lastIndexOf('}');
  try {
    return JSON.parse(said.slice(first, last + 1));
  } catch {
    throw new UnreadableReplyError('the reply is not JSON');
  }
}
