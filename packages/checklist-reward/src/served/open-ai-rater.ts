import { type AskOptions, readJson, type ServedModel, ServedRequestError } from '@thinkrl/served';
import { z } from 'zod';
import type { ScoreRequest } from '../dimension.ts';
import type { Unjudged } from '../judge.ts';
import type { Rated, Rater } from '../rater.ts';
import { PROMPT_VERSION, ratingPrompt } from './prompt.ts';
import { seedOf } from './seed.ts';

/** Settings of {@link openAiRater}. */
export interface OpenAiRaterOptions {
  readonly model: ServedModel;
  /** Whether the server keeps to JSON schemas, as `probeServer` finds out; default true. */
  readonly jsonSchema?: boolean;
  /** Further fields of every request. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/**
 * A vision and language model behind an OpenAI-compatible server as a rater: one mark from 1 to 5 for the whole picture,
 * for comparison with the checklist of {@link openAiCompatible} by the same model. A picture without a readable mark
 * after every attempt is unjudged.
 *
 * @example
 * const dimension = intervalDimension({ rater: openAiRater({ model }) });
 */
export function openAiRater({ model, jsonSchema = true, extra = {} }: OpenAiRaterOptions): Rater {
  const rate = async (request: ScoreRequest, call: AskOptions): Promise<Rated | Unjudged> => {
    const asked = {
      messages: ratingPrompt(request),
      maxTokens: 64,
      temperature: 0,
      seed: seedOf(request.key, 'rating'),
      idempotent: true,
      ...(jsonSchema && { schema: { name: 'rating', schema: ratingForm } }),
      extra,
    };
    try {
      return await model.ask(asked, (reply) => readJson(reply, ratingForm) as Rated, call);
    } catch (error) {
      if (error instanceof ServedRequestError) return { unjudged: error.message };
      throw error;
    }
  };
  return {
    name: model.name,
    version: `prompt ${PROMPT_VERSION} rating`,
    rate: (requests, call = {}) => Promise.all(requests.map((request) => rate(request, call))),
  };
}

const ratingForm = z.object({ rating: z.int().min(1).max(5) });
