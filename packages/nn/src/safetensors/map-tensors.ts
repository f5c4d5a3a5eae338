import { ParameterMismatchError } from '../error.ts';
import type { HostTensor } from './host-tensor.ts';

/** How a tensor of a file becomes a parameter. */
export interface TensorRule {
  /** Names the rule is for. */
  readonly match: RegExp;
  /** The name in the model, with `$1` and the like; the name in the file unless given. */
  readonly name?: string;
  /** Leaves the tensor out: the model has no use for it. */
  readonly drop?: boolean;
  /** Its place in the model's tensor; the tensor itself unless given. Values are still read only when asked for. */
  readonly change?: (tensor: HostTensor) => HostTensor;
}

/**
 * Tensors of a file under the names and in the shapes of a model: the first rule that matches a name decides, and a name
 * without a rule stays as it is.
 *
 * @throws ParameterMismatchError when two tensors get one name.
 * @example
 * const tensors = mapTensors(checkpoint.tensors, [{ match: /^model\.visual\.(.+)$/, name: 'visual.$1' }]);
 */
export function mapTensors(
  tensors: ReadonlyMap<string, HostTensor>,
  rules: readonly TensorRule[],
): ReadonlyMap<string, HostTensor> {
  const mapped = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    const rule = rules.find(({ match }) => match.test(name));
    if (rule?.drop === true) continue;
    const target = rule?.name === undefined ? name : name.replace(rule.match, rule.name);
    if (mapped.has(target))
      throw new ParameterMismatchError({
        missing: [],
        unexpected: [`${name}, a second ${target}`],
        shapes: [],
      });
    mapped.set(target, rule?.change?.(tensor) ?? tensor);
  }
  return mapped;
}
