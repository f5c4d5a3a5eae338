import { Cumprod } from '@tensorflow/tfjs-core';
import { scan } from '../kernel/scan.ts';

/** Running product along an axis. */
export const cumprod = scan(Cumprod, 'cumprod');
