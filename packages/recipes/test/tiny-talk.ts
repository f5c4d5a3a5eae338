import type { ReasoningForm } from '@thinkrl/backbones/qwen2-5-vl';
import { type FakeJudge, fakeJudge } from '@thinkrl/checklist-reward/testing';

/** Short prompts, and every text is read as a plan or as a correction: the tiny model says nothing that parses. */
export const TINY_FORM: ReasoningForm = {
  plan: ({ references, instruction }) => [{ role: 'user', content: [...references, instruction] }],
  reflection: (_, edited) => [{ role: 'user', content: [edited, 'ok?'] }],
  readPlan: (text) => ({ text: `then ${text.length}`, steps: [text], wellFormed: true }),
  readReflection: (text) => ({ text: `fix ${text.length}`, steps: [text], wellFormed: true, verdict: 'fix' }),
};

/** Likes or dislikes a picture altogether, by a digit of its mean: all rewards agree, and any two pictures may differ. */
export function wilfulJudge(): FakeJudge {
  return fakeJudge(({ expected }, { image }) => {
    const mean = image.data.reduce((sum, value) => sum + value, 0) / image.data.length;
    const other = expected === 'yes' ? 'no' : 'yes';
    return Math.floor(mean * 1e4) % 2 === 0 ? expected : other;
  });
}
