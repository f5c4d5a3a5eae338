import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import * as tf from '@tensorflow/tfjs-core';

/** Engines that the tests run on. */
export const engines = ['cpu'] as const;

/** Makes an engine the current one. */
export async function useTestEngine(name: (typeof engines)[number]): Promise<void> {
  await tf.setBackend(name);
  await tf.ready();
}
