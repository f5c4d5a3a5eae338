import { type EngineName, useEngine } from '@thinkrl/engine';

/** Engines that the tests run on: the plain one, and torch where its addon is built. */
export const engines: readonly EngineName[] = (await starts('torch')) ? ['cpu', 'torch'] : ['cpu'];

/** Makes an engine the current one. */
export async function useTestEngine(engine: EngineName): Promise<void> {
  await useEngine({ engine, threads: 2 });
}

async function starts(engine: EngineName): Promise<boolean> {
  return useTestEngine(engine).then(
    () => true,
    () => false,
  );
}
