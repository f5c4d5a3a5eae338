export {
  type CachedJudge,
  type CachedJudgeOptions,
  type CacheUsage,
  cachedJudge,
} from './cached-judge.ts';
export { JudgeCacheError } from './error.ts';
