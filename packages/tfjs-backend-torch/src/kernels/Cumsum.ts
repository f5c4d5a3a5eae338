import { Cumsum } from '@tensorflow/tfjs-core';
import { scan } from '../kernel/scan.ts';

/** Running sum along an axis. */
export const cumsum = scan(Cumsum, 'cumsum');
