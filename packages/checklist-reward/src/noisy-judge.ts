import { type Answer, ConfigError, type EditTask, type RandomStream } from '@thinkrl/spec';
import type { Judge } from './judge.ts';

/** How often a true reply is turned round, by the reply: `yes` is P(no | should say yes). Both in [0, 1]. */
export interface FlipRates {
  readonly yes: number;
  readonly no: number;
}

/** Settings of {@link noisyJudge}; one number stands for both rates. */
export interface NoisyJudgeOptions {
  readonly flip: number | FlipRates;
}

/**
 * The answers with some turned round, each on its own with the rate of its reply. One uniform draw per answer,
 * whatever the rates, so that equal streams flip nested sets as rates grow.
 */
export function flipAnswers(
  answers: readonly Answer[],
  rates: FlipRates,
  stream: RandomStream,
): readonly Answer[] {
  return answers.map((answer) => (stream.uniform() < rates[answer.reply] ? turned(answer) : answer));
}

function turned(answer: Answer): Answer {
  const { questionId, reply, agrees, probabilityOfYes } = answer;
  const flipped = {
    questionId,
    reply: reply === 'yes' ? ('no' as const) : ('yes' as const),
    agrees: !agrees,
  };
  return probabilityOfYes === undefined ? flipped : { ...flipped, probabilityOfYes: 1 - probabilityOfYes };
}

/**
 * A judge that makes mistakes: the replies of `judge`, each flipped at the given rate by `request.key`.
 *
 * @throws ConfigError for a rate outside [0, 1].
 * @example
 * const vlmLike = noisyJudge(exact, { flip: 0.03 });
 */
export function noisyJudge<Task extends EditTask>(
  judge: Judge<Task>,
  options: NoisyJudgeOptions,
): Judge<Task> {
  const rates = flipRates(options.flip);
  return {
    name: `${judge.name}+noise`,
    version: `${judge.version} flip ${rates.yes}/${rates.no}`,
    async answer(requests, call) {
      const replies = await judge.answer(requests, call);
      return replies.map((reply, index) => {
        const request = requests[index];
        if ('unjudged' in reply || request === undefined) return reply;
        return { answers: flipAnswers(reply.answers, rates, request.key.fold('flip').stream()) };
      });
    },
  };
}

function flipRates(flip: number | FlipRates): FlipRates {
  const rates = typeof flip === 'number' ? { yes: flip, no: flip } : flip;
  for (const reply of ['yes', 'no'] as const)
    if (!(rates[reply] >= 0 && rates[reply] <= 1))
      throw new ConfigError({ field: `flip.${reply}`, value: rates[reply], fix: 'use a rate from 0 to 1' });
  return rates;
}
