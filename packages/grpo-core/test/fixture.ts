import { fileURLToPath } from 'node:url';
import { referenceSet } from '../../nn/test/reference-set.ts';

export { deviation } from '../../nn/test/reference-set.ts';

const own = fileURLToPath(new URL('./fixtures', import.meta.url));

export const { readConfig, openTensors } = referenceSet(process.env.THINKRL_FIXTURES ?? own);
