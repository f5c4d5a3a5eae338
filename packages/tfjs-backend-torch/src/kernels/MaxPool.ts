import { MaxPool } from '@tensorflow/tfjs-core';
import { pool } from '../kernel/pool.ts';

/** Largest of each window, in 2-D. */
export const maxPool = pool(MaxPool, 'max_pool');
