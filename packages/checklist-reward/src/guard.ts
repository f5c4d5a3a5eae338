import type { Answer, JudgedChain } from '@thinkrl/spec';
import { ADDRESS_QUESTION, addressesJudge } from './address.ts';
import type { PairAgreement } from './ensemble-judge.ts';
import type { RepeatSpread } from './repeats.ts';
import { trendOf } from './trend.ts';

/** What a guard counts, to be added up over iterations: answers by the reply that speaks for the edit. */
export interface GuardCounts extends Readonly<Record<string, number>> {
  /** Questions that expect yes, and how many were answered with yes. */
  readonly expectYes: number;
  readonly yesToYes: number;
  /** Questions that expect no, and how many were answered with yes. */
  readonly expectNo: number;
  readonly yesToNo: number;
  /** Chains whose words, or whose picture by the judge's own reading, speak to the judge. */
  readonly addressed: number;
}

/** Counts what the guard needs of some judged chains: every answer of every stage, and the policy's words. */
export function guardCounts(judged: readonly JudgedChain[]): GuardCounts {
  const answers = judged.flatMap(({ stages }) => [...new Set(stages)].flatMap((stage) => stage.answers));
  const yes = answers.filter(({ reply }) => reply === 'yes');
  const expectYes = (answer: Answer) => (answer.reply === 'yes') === answer.agrees;
  const yesToYes = yes.filter(expectYes).length;
  return {
    expectYes: answers.filter(expectYes).length,
    yesToYes,
    expectNo: answers.filter((answer) => !expectYes(answer)).length,
    yesToNo: yes.length - yesToYes,
    addressed: judged.filter(addressed).length,
  };
}

function addressed({ chain, stages }: JudgedChain): boolean {
  const words = [chain.plan?.text ?? '', ...chain.rounds.map(({ reflection }) => reflection.text)];
  const seen = stages.some(({ answers }) =>
    answers.some(({ questionId, reply }) => questionId === ADDRESS_QUESTION.id && reply === 'yes'),
  );
  return seen || words.some(addressesJudge);
}

/** What {@link guardReport} looks at. */
export interface GuardFacts {
  /** One entry per iteration. */
  readonly counts: readonly GuardCounts[];
  /** Mean reward by the judge, one number per iteration. */
  readonly reward: readonly number[];
  /** Mean score by a judge or an oracle that was not trained on, one number per iteration; empty without one. */
  readonly heldOut: readonly number[];
  /** Agreement of judges, of an ensemble or with a held-out judge. */
  readonly agreement?: readonly PairAgreement[];
  /** How much the reward changes over repeats, where it was measured. */
  readonly repeats?: RepeatSpread;
}

/** Something that should be looked into; `kind` is stable, `text` says what was found. */
export interface Suspicion {
  readonly kind: 'one-answer' | 'disagreement' | 'unsteady' | 'addressed' | 'reward-alone';
  readonly text: string;
}

/** How far a judge can be trusted, by what it said in a run. */
export interface GuardReport {
  /** Share of yes among the answers to questions that expect yes, and to those that expect no; null without any. */
  readonly yesShare: Readonly<Record<'expectYes' | 'expectNo', number | null>>;
  readonly answers: number;
  /** Chains that speak to the judge. */
  readonly addressed: number;
  readonly agreement: readonly PairAgreement[];
  readonly repeats: RepeatSpread | null;
  readonly suspicions: readonly Suspicion[];
}

/** Least answers of each polarity before a judge is called one-sided. */
const LEAST_ANSWERS = 30;
/** Share of yes, or of no, to questions of either polarity at which a judge does not look any more. */
const ONE_SIDED = 0.9;
/** Kappa below which two judges see different things. */
const LEAST_KAPPA = 0.4;
/** Deviation over repeats above which a reward is mostly noise: one answer of five. */
const UNSTEADY = 0.2;

/**
 * Sums up how a judge behaved in a run, and says what is suspicious: one answer to everything, judges that disagree,
 * scores that change by themselves, texts that speak to the judge, and a reward that rises while a held-out score falls.
 *
 * @example
 * const { suspicions } = guardReport({ counts: [guardCounts(judged)], reward: [0.7], heldOut: [] });
 */
export function guardReport(facts: GuardFacts): GuardReport {
  const { agreement = [], repeats = null } = facts;
  const total = (name: keyof GuardCounts) => facts.counts.reduce((sum, counts) => sum + counts[name]!, 0);
  const [expectYes, expectNo] = [total('expectYes'), total('expectNo')];
  const yesShare = {
    expectYes: expectYes === 0 ? null : total('yesToYes') / expectYes,
    expectNo: expectNo === 0 ? null : total('yesToNo') / expectNo,
  };
  const addressed = total('addressed');
  const enough = Math.min(expectYes, expectNo) >= LEAST_ANSWERS;
  return {
    yesShare,
    answers: expectYes + expectNo,
    addressed,
    agreement,
    repeats,
    suspicions: [
      ...(enough ? oneAnswer(yesShare) : []),
      ...agreement.flatMap(disagreement),
      ...(repeats === null ? [] : unsteady(repeats)),
      ...(addressed === 0
        ? []
        : [{ kind: 'addressed' as const, text: `${addressed} chains speak to the judge` }]),
      ...rewardAlone(facts),
    ],
  };
}

function oneAnswer({ expectYes, expectNo }: GuardReport['yesShare']): readonly Suspicion[] {
  const least = Math.min(expectYes!, expectNo!);
  const most = Math.max(expectYes!, expectNo!);
  if (least < ONE_SIDED && most > 1 - ONE_SIDED) return [];
  const [reply, share] = least >= ONE_SIDED ? ['yes', least] : ['no', 1 - most];
  const text = `the judge says ${reply} to ${percent(share)} or more of the questions of either polarity`;
  return [{ kind: 'one-answer', text }];
}

function disagreement({ left, right, questions, rate, kappa }: PairAgreement): readonly Suspicion[] {
  if (questions < 2 * LEAST_ANSWERS || !(kappa < LEAST_KAPPA)) return [];
  const text = `${left} and ${right} agree on ${percent(rate)} of ${questions} questions, kappa ${kappa.toFixed(2)}`;
  return [{ kind: 'disagreement', text }];
}

function unsteady({ deviation, pictures, repeats }: RepeatSpread): readonly Suspicion[] {
  if (!(deviation > UNSTEADY)) return [];
  const text = `scores of ${pictures} pictures deviate by ${deviation.toFixed(2)} over ${repeats} repeats`;
  return [{ kind: 'unsteady', text }];
}

function rewardAlone({ reward, heldOut }: GuardFacts): readonly Suspicion[] {
  const [own, other] = [trendOf(reward), trendOf(heldOut)];
  if (own?.direction !== 'up' || other?.direction !== 'down') return [];
  const text = `the reward rose by ${own.change.toFixed(3)} while the held-out score fell by ${(-other.change).toFixed(3)}`;
  return [{ kind: 'reward-alone', text }];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
