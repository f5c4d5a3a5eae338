import type * as tf from '@tensorflow/tfjs-core';
import { hasKernel, Module, type ParameterMap, type StorageType, standInFor } from '@thinkrl/nn';
import { ConfigError } from '@thinkrl/spec';
import { FlatParameters } from './flat-parameters.ts';
import type { ShardingGroup } from './process-group.ts';
import { ShardedModule } from './sharded-module.ts';
import { Unit, type UnitContext } from './unit.ts';
import type { UnitParameters } from './unit-parameters.ts';
import { WholeParameters } from './whole-parameters.ts';

/** A part of a module whose parameters are gathered and freed together. */
export interface UnitOptions {
  readonly module: Module;
  /** The methods that compute with the parameters; all of its class unless given. */
  readonly methods?: readonly string[];
}

/** What a sharded module computes and communicates in; float32 unless given. */
export interface MixedPrecision {
  /** Parameters while they are whole, and their way there. Trained shards stay float32. */
  readonly parameters?: StorageType;
  /** The same of frozen ones, and of their shards; as `parameters` unless given. */
  readonly frozen?: StorageType;
  /** Gradients on their way; they are added up in float32. */
  readonly reduce?: StorageType;
}

/** How a module is shared out. */
export interface FullyShardOptions {
  /** The ranks that share the parameters out. */
  readonly group: ShardingGroup;
  /**
   * The ranks that keep the same part, where the world is more than `group`: hybrid sharding, such as within a node and
   * again on every other. Gradients are then added up across them as well; parameters never leave `group`.
   */
  readonly replicas?: ShardingGroup;
  /** Parts to gather one at a time, as a rule the blocks; the other parameters form a unit of the module itself. */
  readonly units: readonly (Module | UnitOptions)[];
  /**
   * What gets gradients, such as an adapter's parameters, which go to the unit that their names begin with; all of the
   * module's unless given. The rest is frozen: shared out as well, without gradients.
   */
  readonly trainable?: ParameterMap;
  /**
   * Gives the parameters of a unit, by their names in the module, their values: of a module that is to be loaded, one unit
   * at a time is then whole. They have their values unless given.
   */
  readonly fill?: (parameters: ParameterMap) => void;
  readonly mixedPrecision?: MixedPrecision;
  /** Whether a unit is freed between forward and backward pass; true unless given. */
  readonly reshardAfterForward?: boolean;
  /** Whether trained shards, their gradients and so the optimiser's state and step are in the host's memory; false unless given. */
  readonly cpuOffload?: boolean;
  /**
   * Whether a group of one lays parameters end to end and takes every step of sharding, as a measurement of its cost or a
   * test in one process wants; false unless given: parameters that nobody shares stay as they are.
   */
  readonly shareAlone?: boolean;
}

/**
 * Shares the parameters, gradients and optimiser state of a module out over a group: fully sharded data parallelism (Zhao
 * et al. 2023, arXiv 2304.11277). Each unit is a vector of which every rank keeps a part; the whole is gathered before the
 * unit computes, forward and backward, and freed after; gradients are reduced to the rank that keeps their part.
 *
 * The module's own methods, and those of the units, then compute as before. Their parameters are of no use outside.
 *
 * @throws ConfigError for units that are not parts of the module, or an engine that cannot free parameters.
 * @example
 * const sharded = fullyShard(editor, { group, units: editor.blocks });
 * const optimizer = AdamW.create({ parameters: sharded.shards(), learningRate: 1e-4 });
 * const result = sharded.gradients(() => ({ loss: lossOf(editor.predict(latents, time, context)) }));
 * optimizer.step(result.gradients, { gradientScale: clipScale(await sharded.globalNorm(result.gradients), 1) });
 */
export function fullyShard(module: Module, options: FullyShardOptions): ShardedModule {
  const { sharded, parts } = planned(module, options);
  for (const shareOut of parts) shareOut();
  return sharded;
}

/**
 * {@link fullyShard} that awaits something before each unit, such as that no rank wants to stop while a large model is read.
 *
 * @throws what `between` throws; the module is then of no more use.
 * @example
 * const sharded = await fullyShardInTurns(editor, options, async () => signal.throwIfAborted());
 */
export async function fullyShardInTurns(
  module: Module,
  options: FullyShardOptions,
  between: () => Promise<void>,
): Promise<ShardedModule> {
  const { sharded, parts } = planned(module, options);
  try {
    for (const shareOut of parts) {
      await between();
      shareOut();
    }
  } catch (error) {
    sharded.dispose();
    throw error;
  }
  return sharded;
}

/** A module that has no units yet, and what gives it one after another. */
function planned(
  module: Module,
  options: FullyShardOptions,
): { readonly sharded: ShardedModule; readonly parts: readonly (() => void)[] } {
  if (!hasKernel('ReleaseStorage'))
    throw new ConfigError({ field: 'engine', value: 'another', fix: 'use torch, which can free parameters' });
  const { group, replicas = null, reshardAfterForward = true } = options;
  const plans = planUnits(module, options);
  const own = module.parameters();
  const sharded = new ShardedModule({ group, replicas, reshardAfterForward });
  const parts = plans.map((plan) => () => {
    const parameters = [...plan.trained, ...plan.frozen].filter(([name]) => own.has(name));
    options.fill?.(new Map(parameters));
    sharded.addUnit((context) => makeUnit(plan, { context, options }));
  });
  return { sharded, parts };
}

/** The parameters of a unit by their names in the module, and whose methods use them. */
interface UnitPlan extends UnitOptions {
  readonly name: string;
  readonly trained: Map<string, tf.Variable>;
  readonly frozen: Map<string, tf.Variable>;
}

function planUnits(module: Module, { units, trainable }: FullyShardOptions): readonly UnitPlan[] {
  const names = new Map([...module.parameters()].map(([name, variable]) => [variable, name]));
  const free = new Map([...module.parameters()]);
  const trained = new Set((trainable ?? module.parameters()).values());
  const listed = units.map((unit) => (unit instanceof Module ? { module: unit } : unit));
  const plan = (unit: UnitOptions, name: string): UnitPlan => {
    const result = {
      ...unit,
      name,
      trained: new Map<string, tf.Variable>(),
      frozen: new Map<string, tf.Variable>(),
    };
    for (const variable of unit.module.parameters().values()) {
      const place = names.get(variable);
      if (place === undefined)
        throw new ConfigError({
          field: 'units',
          value: name,
          fix: 'list parts of the module that is sharded',
        });
      if (!free.delete(place)) continue;
      (trained.has(variable) ? result.trained : result.frozen).set(place, variable);
    }
    return result;
  };
  const plans = [
    ...listed.map((unit, index) => plan(unit, placeOf(unit.module, names, index))),
    plan({ module }, 'root'),
  ];
  for (const [name, variable] of trainable ?? [])
    if (!names.has(variable)) ownerOf(name, plans).trained.set(name, variable);
  return plans.filter(({ trained, frozen }) => trained.size + frozen.size > 0);
}

/** What the names of a part's parameters begin with. */
function placeOf(part: Module, names: ReadonlyMap<tf.Variable, string>, index: number): string {
  const [first] = part.parameters();
  const full = first === undefined ? undefined : names.get(first[1]);
  return full === undefined ? `unit ${index}` : full.slice(0, -first![0].length - 1);
}

function ownerOf(name: string, plans: readonly UnitPlan[]): UnitPlan {
  return plans.find((plan) => name.startsWith(`${plan.name}.`)) ?? plans.at(-1)!;
}

function makeUnit(
  plan: UnitPlan,
  { context, options }: { readonly context: UnitContext; readonly options: FullyShardOptions },
): Unit {
  const { name, module, methods, trained, frozen } = plan;
  const kinds = [
    { parameters: trained, trainable: true },
    { parameters: frozen, trainable: false },
  ].filter(({ parameters }) => parameters.size > 0);
  const unit = new Unit(
    name,
    kinds.map((kind) => keep({ name, ...kind }, options)),
    context,
  );
  for (const variable of frozen.values()) variable.trainable = false;
  if (unit.resident) return unit;
  standInFor([...trained.values(), ...frozen.values()], context.anchor);
  enterBy(module, methods ?? methodsOf(module), unit);
  return unit;
}

interface ToKeep {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly trainable: boolean;
}

/** Parameters in this rank's keeping: a part of each vector, or as they are where nobody shares them. */
function keep({ name, parameters, trainable }: ToKeep, options: FullyShardOptions): UnitParameters {
  const { group, replicas = null, mixedPrecision, cpuOffload = false, shareAlone = false } = options;
  const { parameters: computed = 'float32', reduce: reduceStorage = 'float32' } = mixedPrecision ?? {};
  const storage = trainable ? computed : (mixedPrecision?.frozen ?? computed);
  const offload = trainable && cpuOffload;
  const alone = group.worldSize === 1 && !shareAlone;
  return alone && !offload && (storage === 'float32' || !trainable)
    ? new WholeParameters(parameters, { replicas, trainable, storage })
    : new FlatParameters(parameters, {
        ...{ name, group, replicas, trainable },
        ...{ storage, reduceStorage, offload },
      });
}

/** The methods of a module's class and its bases below Module. */
function methodsOf(module: Module): readonly string[] {
  const names = new Set<string>();
  for (
    let kind = Object.getPrototypeOf(module);
    kind !== Module.prototype;
    kind = Object.getPrototypeOf(kind)
  )
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(kind)))
      if (typeof value === 'function') names.add(name);
  for (const name of ['constructor', ...Object.getOwnPropertyNames(Module.prototype)]) names.delete(name);
  return [...names];
}

type Method = (...args: unknown[]) => unknown;

/** Makes methods of a module run inside the unit. */
function enterBy(module: Module, methods: readonly string[], unit: Unit): void {
  for (const name of methods) {
    const method = (module as unknown as Record<string, Method>)[name]!;
    const inside = (...args: unknown[]) => unit.run(() => method.apply(module, args));
    Object.defineProperty(module, name, { value: inside, configurable: true });
  }
}
