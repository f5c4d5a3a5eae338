// Runs KRIS-Bench with the identity editor and a served judge, to be killed.
import { createServedModel } from '@thinkrl/served';
import { identityEditor, krisBenchmark, loadKris, runBenchmark, servedJudge } from '../src/index.ts';

const [data, out, baseURL] = process.argv.slice(2) as [string, string, string];
const judge = servedJudge(createServedModel({ baseURL, model: 'm', concurrency: 4 }));
const benchmark = krisBenchmark(await loadKris(data));
const { problems } = await runBenchmark(benchmark, { out, editor: identityEditor(), judge, concurrency: 4 });
process.exitCode = problems.length;
