import type { Module, ParameterMap } from '@thinkrl/nn';
import { ConfigError } from '@thinkrl/spec';

/**
 * Makes sure that trainable parameters are named by places of the whole model: those of an adapter on a part of it would
 * be left without a gradient.
 *
 * @throws ConfigError that names the first one that is not.
 */
export function checkTrainableNames(model: Module, trainable: ParameterMap): void {
  const places = new Set(model.modules().keys());
  const example = [...places].find((place) => /\.\d+$/.test(place)) ?? [...places][0];
  for (const name of trainable.keys()) {
    const known = name.split('.').some((_, i, parts) => places.has(parts.slice(0, i).join('.')));
    if (!known)
      throw new ConfigError({
        field: 'trainable',
        value: name,
        fix: `attach the adapter to the model itself, so that names begin with places such as ${example}`,
      });
  }
}
