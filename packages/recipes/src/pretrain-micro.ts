import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  MicroEditBackbone,
  MicroPolicy,
  type PretrainProgress,
  pretrainEditor,
  pretrainUnderstander,
  saveMicro,
} from '@thinkrl/backbones/micro';
import { useEngine } from '@thinkrl/engine';
import { makeFolder, writeWhole } from '@thinkrl/orchestrator';
import { ConfigError, Key } from '@thinkrl/spec';
import type { RunControls } from './event.ts';

/** Steps of 32 samples that the shipped weights were made with. */
export const PRETRAIN_STEPS = { understander: 3200, editor: 2400 } as const;

/** What to pre-train. */
export interface PretrainMicroOptions extends Omit<RunControls, 'signal'> {
  readonly seed: number;
  /** Folder for `micro.safetensors` and `micro.json`. */
  readonly out: string;
  /** Fewer steps than {@link PRETRAIN_STEPS} give weaker models sooner. */
  readonly steps?: Partial<Record<Part, number>>;
}

type Part = keyof typeof PRETRAIN_STEPS;

/** One line of a learning curve. */
type CurvePoint = Pick<PretrainProgress, 'step' | 'losses'>;

/**
 * Makes the micro pair's starting weights from a seed, on one thread so that the same machine gives the same bytes, and
 * writes them with a record of how they were made.
 *
 * @throws ConfigError for a seed below 0.
 */
export async function pretrainMicro(options: PretrainMicroOptions): Promise<{ readonly weights: string }> {
  const { seed, out } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ConfigError({ field: 'seed', value: seed, fix: 'use a whole number of at least 0' });
  }
  makeFolder(out);
  const tell = options.onEvent ?? (() => {});
  const engine = await useEngine({ threads: 1, onNotice: (text) => tell({ type: 'notice', text }) });
  tell({ type: 'engine', engine });
  const steps = { ...PRETRAIN_STEPS, ...options.steps };
  const curves: Record<Part, CurvePoint[]> = { understander: [], editor: [] };
  const settings = (part: Part) => ({
    key: Key.of(seed).fold(part),
    steps: steps[part],
    onProgress: ({ step, losses, seconds }: PretrainProgress) => {
      curves[part].push({ step, losses });
      tell({ type: 'pretraining', part, step, steps: steps[part], losses, seconds });
    },
  });
  const policy = new MicroPolicy(await pretrainUnderstander(settings('understander')));
  const backbone = new MicroEditBackbone(await pretrainEditor(settings('editor')));

  const weights = join(out, 'micro.safetensors');
  await saveMicro(weights, { policy, backbone });
  const record = {
    command: `thinkrl pretrain micro --seed ${seed}`,
    seed,
    steps,
    engine: `${engine.name} ${engine.version}`,
    sha256: createHash('sha256').update(readFileSync(weights)).digest('hex'),
    curves,
  };
  writeWhole(join(out, 'micro.json'), `${JSON.stringify(record, null, 1)}\n`);
  policy.dispose();
  backbone.dispose();
  return { weights };
}
