import { StaticRegexReplace } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Strings with matches of a pattern rewritten. */
export const staticRegexReplace = onHost(StaticRegexReplace);
