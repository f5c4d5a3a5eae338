import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  loadParameters,
  type ParameterMap,
  parseSafetensors,
  SafetensorsError,
  type SafetensorsFile,
  saveParameters,
} from '@thinkrl/nn';
import { Key } from '@thinkrl/spec';
import { MicroEditBackbone } from './edit-backbone.ts';
import { Editor } from './editor.ts';
import { MicroWeightsError } from './error.ts';
import { MicroPolicy } from './micro-policy.ts';
import { Understander } from './understander.ts';

/** The micro pair: a planner and an editor, both trainable. */
export interface MicroModels {
  readonly policy: MicroPolicy;
  readonly backbone: MicroEditBackbone;
  dispose(): void;
}

/** Where to load the micro pair from. */
export interface LoadMicroOptions {
  /** A safetensors file with both models; the shipped, pre-trained weights unless given. */
  readonly weights?: string;
}

/** Path of the shipped weights. Throws {@link MicroWeightsError} when they are not beside the package's code. */
export function shippedWeights(): string {
  return shippedFile('micro.safetensors');
}

/** Path of a file that is shipped beside the package's code. Throws {@link MicroWeightsError} when it is not there. */
export function shippedFile(name: string): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const candidates = ['..', '../..', '../../..'].map((up) => join(here, up, 'weights', name));
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new MicroWeightsError(
      candidates[0]!,
      'the shipped weights are missing; reinstall @thinkrl/backbones',
    );
  return found;
}

/**
 * Loads the micro pair, ready to sample and to train. Throws {@link MicroWeightsError} on missing or damaged weights;
 * where a record lies beside them (`micro.json` for `micro.safetensors`), its hash is checked.
 *
 * @example
 * const { policy, backbone } = await loadMicro();
 */
export async function loadMicro({ weights }: LoadMicroOptions = {}): Promise<MicroModels> {
  const path = weights ?? shippedWeights();
  const { tensors } = await readWeights(path);
  refuseNonFinite(path, tensors);
  const key = Key.of(0);
  const [policy, backbone] = [new MicroPolicy(new Understander(key)), new MicroEditBackbone(new Editor(key))];
  const dispose = () => {
    policy.dispose();
    backbone.dispose();
  };
  try {
    loadParameters(microParameters(policy, backbone), tensors);
  } catch (cause) {
    dispose();
    throw new MicroWeightsError(path, `they were made for another model: ${(cause as Error).message}`, {
      cause,
    });
  }
  return { policy, backbone, dispose };
}

/** Writes both models to one half-precision file that {@link loadMicro} reads. */
export async function saveMicro(
  path: string,
  models: Pick<MicroModels, 'policy' | 'backbone'>,
): Promise<void> {
  await saveParameters(path, microParameters(models.policy, models.backbone), { dtype: 'F16' });
}

/** Parameters of both models under `understander.` and `editor.`. */
export function microParameters(policy: MicroPolicy, backbone: MicroEditBackbone): ParameterMap {
  const named = (prefix: string, parameters: ParameterMap) =>
    [...parameters].map(([name, variable]) => [`${prefix}.${name}`, variable] as const);
  return new Map([...named('understander', policy.parameters()), ...named('editor', backbone.parameters())]);
}

function refuseNonFinite(path: string, tensors: SafetensorsFile['tensors']): void {
  for (const [name, { data }] of tensors) {
    const at = data.findIndex((value: number | bigint) => !Number.isFinite(Number(value)));
    if (at >= 0) throw new MicroWeightsError(path, `${name}[${at}] is ${data[at]}, which is no weight`);
  }
}

async function readWeights(path: string): Promise<SafetensorsFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new MicroWeightsError(path, `the file cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
  await checkHash(path, bytes);
  try {
    return parseSafetensors(bytes, path);
  } catch (cause) {
    const problem = cause instanceof SafetensorsError ? cause.problem : (cause as Error).message;
    throw new MicroWeightsError(path, `the file is damaged: ${problem}`, { cause });
  }
}

/** Compares with the hash in the record beside the weights, where there is one. */
async function checkHash(path: string, bytes: Uint8Array): Promise<void> {
  const record = path.replace(/\.safetensors$/, '.json');
  if (record === path || !existsSync(record)) return;
  let expected: unknown;
  try {
    expected = (JSON.parse(await readFile(record, 'utf8')) as { sha256?: unknown }).sha256;
  } catch (cause) {
    throw new MicroWeightsError(record, 'the record of the weights cannot be read', { cause });
  }
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected)
    throw new MicroWeightsError(
      path,
      `its SHA-256 is ${actual}, ${basename(record)} says ${String(expected)}`,
    );
}
