import './jasmine.ts';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { backendName, registerTorch, setDevice, setThreads } from '../src/index.ts';
import { withoutSyncReads } from './async-reads.ts';

registerTorch();
setThreads(1);
setDevice(process.env.THINKRL_CONFORMANCE_DEVICE ?? 'cpu');
const asyncOnly = process.env.THINKRL_CONFORMANCE_ASYNC === '1';
if (asyncOnly) withoutSyncReads();
setTestEnvs([{ name: backendName, backendName, flags: {}, isDataSync: !asyncOnly }]);
// Imported late: each spec file reads the environments as it loads.
await import('@tensorflow/tfjs-core/dist/tests');
