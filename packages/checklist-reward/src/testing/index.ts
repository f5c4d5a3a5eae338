export { type FakeJudge, fakeJudge, type JudgeScript } from './fake-judge.ts';
