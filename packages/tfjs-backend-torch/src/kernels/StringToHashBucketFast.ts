import { StringToHashBucketFast } from '@tensorflow/tfjs-core';
import { onHost } from '../kernel/host.ts';

/** Strings hashed into buckets. */
export const stringToHashBucketFast = onHost(StringToHashBucketFast);
