import { ConfigError, Key, type Question } from '@thinkrl/spec';
import { describe, expect, it } from 'vitest';
import { ensembleJudge, type Judge, JudgeContractError, judgeAgreement } from '../src/index.ts';
import { fakeJudge } from '../src/testing/index.ts';
import { grey, task } from './chains.ts';

const questions: readonly Question[] = ['a', 'b', 'c', 'd'].map((id, index) => ({
  id,
  text: '?',
  expected: index % 2 === 0 ? 'yes' : 'no',
}));
const request = { task: task('t'), image: grey(0), questions, key: Key.of(0) };

/** Answers the questions by the letters of `said`, `y` or `n`; another letter leaves the picture unjudged. */
function judge(name: string, said: string, probability?: number): Judge {
  const inner = fakeJudge((question) => {
    const letter = said[questions.indexOf(question)]!;
    return letter === 'y' ? 'yes' : letter === 'n' ? 'no' : undefined;
  });
  return {
    name,
    version: '1',
    answer: async (requests) =>
      (await inner.answer(requests)).map((reply) =>
        'unjudged' in reply || probability === undefined
          ? reply
          : { answers: reply.answers.map((answer) => ({ ...answer, probabilityOfYes: probability })) },
      ),
  };
}

const repliesOf = async (...judges: readonly Judge[]) => {
  const [reply] = await ensembleJudge(judges).answer([request]);
  return 'answers' in reply! ? reply.answers.map((answer) => answer.reply).join(' ') : reply;
};

describe('ensembleJudge', () => {
  it('gives the answer of the majority', async () => {
    expect(await repliesOf(judge('1', 'yyyn'), judge('2', 'ynny'), judge('3', 'nnyy'))).toBe(
      'yes no yes yes',
    );
  });

  it('speaks against the edit where it is split evenly', async () => {
    // a and c expect yes, b and d no: against the edit is no to a and c, yes to b and d.
    expect(await repliesOf(judge('1', 'yyyy'), judge('2', 'nnnn'))).toBe('no yes no yes');
    const [reply] = await ensembleJudge([judge('1', 'yyyy'), judge('2', 'nnnn')]).answer([request]);
    expect('answers' in reply! && reply.answers.map((answer) => answer.agrees)).toEqual(Array(4).fill(false));
  });

  it('gives the mean of P(yes) where all who answered have one', async () => {
    const probabilityOf = async (...judges: readonly Judge[]) => {
      const [reply] = await ensembleJudge(judges).answer([request]);
      return 'answers' in reply! && reply.answers[0]!.probabilityOfYes;
    };
    expect(await probabilityOf(judge('1', 'yyyy', 0.75), judge('2', 'yyyy', 0.5))).toBe(0.625);
    expect(await probabilityOf(judge('1', 'yyyy', 0.75), judge('2', 'yyyy'))).toBeUndefined();
    expect(await probabilityOf(judge('1', 'yyyy', 0.75), judge('2', 'yyyy', 0.5), judge('3', '?'))).toBe(
      0.625,
    );
  });

  it('goes without who leaves a picture unjudged, down to its quorum', async () => {
    expect(await repliesOf(judge('1', 'yyyy'), judge('2', '?'), judge('3', 'yyyy'))).toBe('yes yes yes yes');
    expect(await repliesOf(judge('1', 'yyyy'), judge('2', '?'), judge('3', '?'))).toEqual({
      unjudged: '2: no reply to a; 3: no reply to a',
    });
    const alone = ensembleJudge([judge('1', 'yyyy'), judge('2', '?')], { quorum: 1 });
    expect(await alone.answer([request])).toMatchObject([{ answers: [{ reply: 'yes' }, {}, {}, {}] }]);
  });

  it('adds agreement up, by pairs, over what both answered', async () => {
    const parts = [judge('1', 'yyyn'), judge('2', 'yynn'), judge('3', '?')];
    const ensemble = ensembleJudge(parts);
    await ensemble.answer([request, request]);
    await ensemble.answer([request]);
    const [left, right] = (await Promise.all(parts.map((part) => part.answer([request])))).flat();
    if (!('answers' in left! && 'answers' in right!)) throw new Error('unjudged');
    const once = judgeAgreement(left.answers, right.answers);
    // Same on 3 of 4; by hand in score.test.ts.
    expect(ensemble.agreement()).toEqual([
      { ...once, left: '1', right: '2', questions: 12 },
      { left: '1', right: '3', questions: 0, rate: Number.NaN, kappa: Number.NaN },
      { left: '2', right: '3', questions: 0, rate: Number.NaN, kappa: Number.NaN },
    ]);
    expect(once.rate).toBe(0.75);
  });

  it('says who it is', () => {
    const { name, version } = ensembleJudge([judge('small', 'y'), judge('large', 'y'), judge('old', 'y')]);
    expect([name, version]).toEqual(['small+large+old', '1 | 1 | 1 quorum 2']);
  });

  it('refuses what is no ensemble, and judges that break their contract', async () => {
    expect(() => ensembleJudge([judge('1', 'y')])).toThrow(ConfigError);
    expect(() => ensembleJudge([judge('1', 'y'), judge('1', 'y')])).toThrow('each with its own name');
    expect(() => ensembleJudge([judge('1', 'y'), judge('2', 'y')], { quorum: 3 })).toThrow('from 1 to 2');
    const broken: Judge = { name: 'broken', version: '0', answer: async () => [{ answers: [] }] };
    const failure = ensembleJudge([judge('1', 'yyyy'), broken]).answer([request]);
    await expect(failure).rejects.toThrow(JudgeContractError);
    await expect(failure).rejects.toMatchObject({ source: 'broken' });
  });
});
