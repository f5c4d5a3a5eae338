import { type ServedModel, ServedRequestError } from '@thinkrl/served';
import type { BenchmarkJudge } from './judge.ts';

/**
 * A model behind an OpenAI-compatible server as the judge of a benchmark: one user message per call, in the documented
 * order of prompt, labels and pictures.
 *
 * @example
 * const judge = servedJudge(createServedModel({ baseURL, model: 'gpt-4.1-2025-04-14', keyVariable: 'OPENAI_API_KEY' }));
 */
export function servedJudge(model: ServedModel): BenchmarkJudge {
  return {
    name: model.name,
    version: 'chat completions',
    async reply({ call, content }, options = {}) {
      const messages = [{ role: 'user' as const, content }];
      try {
        return await model.ask(
          { messages, ...call.settings },
          ({ text, complete }) => ({ text, complete }),
          options,
        );
      } catch (error) {
        if (error instanceof ServedRequestError) return { failed: error.message };
        throw error;
      }
    },
  };
}
