import { type ChatReply, readJson, UnreadableReplyError } from '@thinkrl/served';
import type { Reflection, Utterance } from '@thinkrl/spec';
import { z } from 'zod';

const step = z.string().trim().min(1);

/** The form of a plan. */
export const planSchema = z.object({
  reasoning: z.string(),
  steps: z.array(step).min(1),
  instruction: step,
});

/** The form of a reflection. */
export const reflectionSchema = z.object({
  verdict: z.enum(['ok', 'fix']),
  corrections: z.array(step),
});

/** The plan in a reply: its text is the enriched instruction; an unparsable reply is kept as it came. */
export function planIn(reply: ChatReply): Utterance {
  const plan = parsed(reply, planSchema);
  if (plan === null) return unparsed(reply);
  return { ...spoken(reply), text: plan.instruction, steps: plan.steps, wellFormed: true };
}

/** The reflection in a reply; `fix` without a correction, like an unparsable reply, asks for nothing that can be done. */
export function reflectionIn(reply: ChatReply): Reflection {
  const reflection = parsed(reply, reflectionSchema);
  if (reflection === null) return { ...unparsed(reply), verdict: 'fix' };
  const { verdict, corrections } = reflection;
  if (verdict === 'ok') return { ...spoken(reply), text: 'ok', steps: [], wellFormed: true, verdict };
  if (corrections.length === 0) return { ...unparsed(reply), verdict };
  return { ...spoken(reply), text: corrections.join(' '), steps: corrections, wellFormed: true, verdict };
}

/** What is kept of a request that got no reply at all. */
export const nothingSaid: ChatReply = { text: '', tokens: null, complete: false };

function parsed<T>(reply: ChatReply, schema: z.ZodType<T>): T | null {
  try {
    return readJson(reply, schema);
  } catch (error) {
    if (error instanceof UnreadableReplyError) return null;
    throw error;
  }
}

function unparsed(reply: ChatReply): Utterance {
  return { ...spoken(reply), text: reply.text, steps: [], wellFormed: false };
}

/** Servers name tokens by their text: the ids are -1. */
function spoken({ tokens }: ChatReply): Pick<Utterance, 'tokens' | 'logProbs'> {
  const logProbs = Float32Array.from(tokens ?? [], ({ logProb }) => logProb);
  return { tokens: new Int32Array(logProbs.length).fill(-1), logProbs };
}
