import { type BenchmarkJudge, callKey, type JudgeCall, type JudgeReply } from '../src/index.ts';

/** What a judge replies to calls whose message it does not look at. */
export async function replyTo(
  calls: readonly JudgeCall[],
  judge: BenchmarkJudge,
): Promise<ReadonlyMap<string, JudgeReply>> {
  const replies = calls.map(
    async (call) => [callKey(call), await judge.reply({ call, content: [] })] as const,
  );
  return new Map(await Promise.all(replies));
}
