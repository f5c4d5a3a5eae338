import { fileURLToPath } from 'node:url';
import { referenceSet } from '../../nn/test/reference-set.ts';

export { deviation } from '../../nn/test/reference-set.ts';

const folder = fileURLToPath(new URL('./fixtures', import.meta.url));

/** The set of fixtures that lies here, whose sizes tests that need some model may count on. */
export const ownSet = referenceSet(folder);

/** The set to compare with: one made the same way, of whatever sizes, or ours. */
export const { referencePath, readConfig, openTensors } = referenceSet(
  process.env.THINKRL_FIXTURES ?? folder,
);
