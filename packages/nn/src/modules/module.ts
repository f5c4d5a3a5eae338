import * as tf from '@tensorflow/tfjs-core';

/** Parameters by checkpoint name. */
export type ParameterMap = ReadonlyMap<string, tf.Variable>;

/**
 * Base of everything with trainable parameters. Names nest with dots: `blocks.0.attention.qkv.weight`.
 *
 * tfjs variables are global by name, so they are left unnamed there and any number of models can live side by side.
 *
 * @example
 * class Head extends Module {
 *   readonly out = this.child('out', new Linear({ inputs: 8, outputs: 3, key: Key.of(1) }));
 * }
 */
export abstract class Module {
  private readonly own = new Map<string, tf.Variable>();
  private readonly children = new Map<string, Module>();

  /** Registers a parameter that starts as `value`, which is disposed. */
  protected parameter(name: string, value: tf.Tensor): tf.Variable {
    const variable = tf.variable(value);
    value.dispose();
    this.own.set(name, variable);
    return variable;
  }

  /** Registers a part under `name` and returns it. */
  protected child<M extends Module>(name: string, module: M): M {
    this.children.set(name, module);
    return module;
  }

  /** All parameters, this module's own first, then each part's in order of registration. */
  parameters(): ParameterMap {
    const all = new Map(this.own);
    for (const [prefix, module] of this.children)
      for (const [name, variable] of module.parameters()) all.set(`${prefix}.${name}`, variable);
    return all;
  }

  /** Every part below this module by its place, parts before their own parts. */
  modules(): ReadonlyMap<string, Module> {
    const all = new Map<string, Module>();
    for (const [prefix, module] of this.children) {
      all.set(prefix, module);
      for (const [name, part] of module.modules()) all.set(`${prefix}.${name}`, part);
    }
    return all;
  }

  /** Releases every parameter. */
  dispose(): void {
    for (const variable of this.parameters().values()) variable.dispose();
  }
}
