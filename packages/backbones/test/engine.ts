import { torchIsHere } from '../../nn/test/engine.ts';

export { difference, torchIsHere, useCpu, values } from '../../nn/test/engine.ts';

/** The engines to run on: the plain one always, torch where it is. */
export async function engines(): Promise<readonly ('cpu' | 'torch')[]> {
  const torch = await torchIsHere();
  return torch ? ['cpu', 'torch'] : ['cpu'];
}
