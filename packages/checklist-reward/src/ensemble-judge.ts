import { type Answer, ConfigError, type EditTask, type Question } from '@thinkrl/spec';
import { type Agreement, AgreementTally } from './agreement.ts';
import { JudgeContractError } from './error.ts';
import type { Judge, Judged, JudgeReply, JudgeRequest } from './judge.ts';
import { answerTo } from './score.ts';

/** Settings of {@link ensembleJudge}. */
export interface EnsembleJudgeOptions {
  /** How many judges have to answer for a picture; default more than half. */
  readonly quorum?: number;
}

/** Agreement of two judges of an ensemble, by their names. */
export interface PairAgreement extends Agreement {
  readonly left: string;
  readonly right: string;
}

/** Judges that vote. */
export interface EnsembleJudge<Task extends EditTask = EditTask> extends Judge<Task> {
  /** How far each two of them agreed so far, over the pictures that both answered for. */
  agreement(): readonly PairAgreement[];
}

/**
 * Asks several judges at the same time; each question gets the answer of the majority, and one on which they are split
 * evenly the answer that speaks against the edit. P(yes) is the mean where all who answered give one. A judge that leaves
 * a picture unjudged has no vote on it; without a quorum the picture is unjudged, with every reason.
 *
 * @throws ConfigError for fewer than two judges, a name used twice or a quorum that cannot be reached.
 * @example
 * const judge = ensembleJudge([await openAiCompatible({ model: small }), await openAiCompatible({ model: large })]);
 * const [{ rate, kappa }] = judge.agreement(); // after some answers
 */
export function ensembleJudge<Task extends EditTask>(
  judges: readonly Judge<Task>[],
  options: EnsembleJudgeOptions = {},
): EnsembleJudge<Task> {
  const names = judges.map((judge) => judge.name);
  const { quorum = Math.floor(judges.length / 2) + 1 } = options;
  check(names, quorum);
  const pairs = pairsOf(judges.length).map(([left, right]) => ({ left, right, tally: new AgreementTally() }));
  return {
    name: names.join('+'),
    version: `${judges.map((judge) => judge.version).join(' | ')} quorum ${quorum}`,
    agreement: () =>
      pairs.map(({ left, right, tally }) => ({
        left: names[left]!,
        right: names[right]!,
        ...tally.agreement(),
      })),
    async answer(requests, call) {
      const replies = await Promise.all(
        judges.map(async (judge) => checked(judge, requests, await judge.answer(requests, call))),
      );
      return requests.map((request, index) => {
        const votes = replies.map((column) => column[index]!);
        for (const { left, right, tally } of pairs) {
          const [one, other] = [votes[left]!, votes[right]!];
          if ('answers' in one && 'answers' in other) tally.add(one.answers, other.answers);
        }
        return decide(request, { names, votes, quorum });
      });
    },
  };
}

function check(names: readonly string[], quorum: number): void {
  if (names.length < 2 || new Set(names).size < names.length)
    throw new ConfigError({
      field: 'judges',
      value: names,
      fix: 'give at least two, each with its own name',
    });
  if (!Number.isInteger(quorum) || quorum < 1 || quorum > names.length)
    throw new ConfigError({ field: 'quorum', value: quorum, fix: `use a number from 1 to ${names.length}` });
}

function pairsOf(count: number): readonly (readonly [left: number, right: number])[] {
  return Array.from({ length: count }, (_, right) =>
    Array.from({ length: right }, (_, left) => [left, right] as const),
  ).flat();
}

function checked(
  { name }: Judge,
  requests: readonly JudgeRequest[],
  replies: readonly JudgeReply[],
): readonly JudgeReply[] {
  const right = replies.every(
    (reply, index) =>
      'unjudged' in reply ||
      reply.answers.map(({ questionId }) => questionId).join('\n') ===
        requests[index]?.questions.map(({ id }) => id).join('\n'),
  );
  if (replies.length !== requests.length || !right)
    throw new JudgeContractError({ source: name, problem: 'answers other questions than it was asked' });
  return replies;
}

interface Ballot {
  readonly names: readonly string[];
  readonly votes: readonly JudgeReply[];
  readonly quorum: number;
}

function decide({ questions }: JudgeRequest, { names, votes, quorum }: Ballot): JudgeReply {
  const judged = votes.filter((vote): vote is Judged => 'answers' in vote);
  if (judged.length < quorum) {
    const reasons = votes.flatMap((vote, i) => ('unjudged' in vote ? [`${names[i]}: ${vote.unjudged}`] : []));
    return { unjudged: reasons.join('; ') };
  }
  return {
    answers: questions.map((question, index) =>
      majority(
        question,
        judged.map(({ answers }) => answers[index]!),
      ),
    ),
  };
}

function majority(question: Question, votes: readonly Answer[]): Answer {
  const yes = votes.filter((vote) => vote.reply === 'yes').length;
  const against = question.expected === 'yes' ? 'no' : 'yes';
  const reply = yes * 2 === votes.length ? against : yes * 2 > votes.length ? 'yes' : 'no';
  const known = votes.flatMap(({ probabilityOfYes }) => probabilityOfYes ?? []);
  return {
    ...answerTo(question, reply),
    ...(known.length === votes.length && {
      probabilityOfYes: known.reduce((sum, value) => sum + value, 0) / known.length,
    }),
  };
}
