import { EditGeneratorError } from './error.ts';

/**
 * Checks the noise levels of a sampler: at least two, the first in (0, 1], falling strictly to exactly 0.
 *
 * @throws EditGeneratorError `EDIT_SIGMAS` naming the first level out of order.
 */
export function checkSigmas(sigmas: readonly number[]): void {
  const bad = (field: string, found: unknown, fix: string) => {
    throw new EditGeneratorError('EDIT_SIGMAS', { field, found, fix });
  };
  if (sigmas.length < 2) bad('sigmas', sigmas, 'give at least a first level and 0');
  if (!(sigmas[0]! > 0 && sigmas[0]! <= 1)) bad('sigmas[0]', sigmas[0], 'start above 0, at most at 1');
  for (let i = 1; i < sigmas.length; i++)
    if (!(sigmas[i]! < sigmas[i - 1]!) || sigmas[i]! < 0)
      bad(`sigmas[${i}]`, sigmas[i], `fall from step to step; the level before is ${sigmas[i - 1]}`);
  if (sigmas.at(-1) !== 0) bad(`sigmas[${sigmas.length - 1}]`, sigmas.at(-1), 'end at 0');
}
