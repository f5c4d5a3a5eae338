import { AvgPool } from '@tensorflow/tfjs-core';
import { pool } from '../kernel/pool.ts';

/** Mean of each window, in 2-D. */
export const avgPool = pool(AvgPool, 'average_pool');
