export { type FakeJudge, fakeJudge, type JudgeScript } from './fake-judge.ts';
export { fakeTextReader } from './fake-text-reader.ts';
