import { join } from 'node:path';
import {
  loadShards,
  openShards,
  type ProcessGroup,
  type ShardedModule,
  type ShardVectors,
  saveShards,
} from '@thinkrl/fsdp-shard';
import {
  type AdamW,
  type ExponentialAverage,
  type HostTensor,
  loadParameters,
  type ParameterMap,
  saveParameters,
} from '@thinkrl/nn';

/**
 * A module whose trained parameters, optimiser and average a checkpoint keeps: of a model with an adapter, the adapter's
 * alone. A frozen module has no optimiser and is not kept.
 */
export interface CheckpointModule {
  readonly name: 'understanding' | 'generation';
  /** By name; where `sharded` is given, its shards. */
  readonly parameters: ParameterMap;
  readonly optimizer: AdamW;
  /** The moving average of the parameters, where one is kept. */
  readonly average?: ExponentialAverage;
  /** The module that the parameters are the shards of. */
  readonly sharded?: ShardedModule;
}

/** What of a module goes into a file of its own, or one for each rank. */
interface Part {
  readonly suffix: '' | '.optimizer' | '.average';
  readonly states: readonly ShardVectors[];
}

function partsOf({ parameters, optimizer, average }: CheckpointModule): readonly Part[] {
  const { moments } = optimizer.state();
  const moment = (prefix: 'first.' | 'second.') => ({ prefix, vectors: withoutPrefix(moments, prefix) });
  return [
    { suffix: '', states: [{ vectors: parameters }] },
    { suffix: '.optimizer', states: [moment('first.'), moment('second.')] },
    ...(average === undefined
      ? []
      : [{ suffix: '.average', states: [{ vectors: average.values() }] } as const]),
  ];
}

function withoutPrefix(parameters: ParameterMap, prefix: string): ParameterMap {
  const named = [...parameters].filter(([name]) => name.startsWith(prefix));
  return new Map(named.map(([name, parameter]) => [name.slice(prefix.length), parameter]));
}

/** Parameters under their names in files. */
function named(states: readonly ShardVectors[]): ParameterMap {
  return new Map(
    states.flatMap(({ vectors, prefix = '' }) =>
      [...vectors].map(([name, vector]) => [prefix + name, vector] as const),
    ),
  );
}

/**
 * Writes what this rank has to write of a module, and gives the files' names: of a sharded module its shards, of another
 * the whole on rank 0 and nothing elsewhere.
 */
export async function saveModule(
  folder: string,
  module: CheckpointModule,
  { rank }: ProcessGroup,
): Promise<readonly string[]> {
  const { name, sharded } = module;
  // Of copies the first is written.
  const place = sharded === undefined ? rank : (sharded.replicas?.rank ?? 0);
  if (place > 0) return [];
  const files: string[] = [];
  for (const { suffix, states } of partsOf(module)) {
    const file = `${name}${suffix}${sharded === undefined ? '' : rankOf(sharded.group)}.safetensors`;
    if (sharded === undefined) await saveParameters(join(folder, file), named(states));
    else await saveShards(join(folder, file), sharded, states);
    files.push(file);
  }
  return files;
}

/** Of a world of one nothing: its shard is the whole, as of a module that is not sharded. */
function rankOf({ rank, worldSize }: ProcessGroup): string {
  return worldSize === 1 ? '' : `.${rank}-of-${worldSize}`;
}

/** The files of a part of a module, of however many ranks. */
function filesOf(files: readonly string[], name: string, suffix: Part['suffix']): readonly string[] {
  const ending = /^(\.\d+-of-\d+)?\.safetensors$/;
  const beginning = `${name}${suffix}`;
  return files.filter((file) => file.startsWith(beginning) && ending.test(file.slice(beginning.length)));
}

/** Where files of a checkpoint are, and which there are. */
export interface CheckpointFiles {
  readonly folder: string;
  readonly files: readonly string[];
}

/** Fills a module and the moments of its optimiser, whatever world wrote the files and whether it was sharded there. */
export function loadModule(source: CheckpointFiles, module: CheckpointModule, step: number): void {
  for (const { suffix, states } of partsOf(module))
    withTensors(source, { name: module.name, suffix }, (tensors) => {
      if (module.sharded === undefined) loadParameters(named(states), tensors);
      else loadShards(module.sharded, tensors, states);
    });
  module.optimizer.continueAt(step);
}

/** Fills parameters with the weights of a module; leaves them as they are where the checkpoint holds none. */
export function loadWeights(
  source: CheckpointFiles,
  name: CheckpointModule['name'],
  parameters: ParameterMap,
): void {
  if (filesOf(source.files, name, '').length === 0) return;
  withTensors(source, { name, suffix: '' }, (tensors) => loadParameters(parameters, tensors));
}

function withTensors(
  { folder, files }: CheckpointFiles,
  { name, suffix }: Pick<CheckpointModule, 'name'> & Pick<Part, 'suffix'>,
  work: (tensors: ReadonlyMap<string, HostTensor>) => void,
): void {
  const opened = openShards(filesOf(files, name, suffix).map((file) => join(folder, file)));
  try {
    work(opened.tensors);
  } finally {
    opened.close();
  }
}
