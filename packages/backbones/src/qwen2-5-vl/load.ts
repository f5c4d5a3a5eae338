import { join } from 'node:path';
import { leavePending, mapTensors, openCheckpoint, type PendingWeights, type StorageType } from '@thinkrl/nn';
import { readJson } from '../json-file.ts';
import { type ParseConfigOptions, parseConfig } from './config.ts';
import { QwenVlFolderError } from './error.ts';
import { folderParts, readPatchOptions, readTemplate, readTokenizer } from './folder.ts';
import { QwenVl } from './model.ts';
import { CURRENT_NAMES } from './names.ts';
import { QwenVlProcessor } from './processor.ts';

/** How {@link loadQwenVl} loads. */
export interface LoadQwenVlOptions extends Pick<ParseConfigOptions, 'ignore'> {
  /** What weights are stored and computed in; that of the files unless given. */
  readonly storage?: StorageType;
  /** `later` leaves the weights in their files, for a model that is shared out; `now` unless given. */
  readonly weights?: 'now' | 'later';
}

/** A loaded model and what it reads with. */
export interface QwenVlModels {
  readonly model: QwenVl;
  readonly processor: QwenVlProcessor;
}

/** What {@link loadQwenVl} gives. */
export interface LoadedQwenVl extends QwenVlModels {
  /** What the model is still to be given; null when all is there. */
  readonly pending: PendingWeights | null;
}

/**
 * Loads Qwen2.5-VL from a folder as the hub has it, or the text encoder of a Qwen-Image pipeline's folder: `config.json`,
 * safetensors in one file or in shards with an index, tokenizer, chat template and the processor's settings. Names of
 * weights may be those of either generation of files. One tensor at a time is on the host.
 *
 * @throws QwenVlFolderError for an incomplete folder or an architecture that is not built here, ParameterMismatchError with
 * what is missing or unexpected, SafetensorsError for damaged files.
 * @example
 * const { model, processor } = loadQwenVl('Qwen2.5-VL-7B-Instruct');
 */
export function loadQwenVl(folder: string, options: LoadQwenVlOptions = {}): LoadedQwenVl {
  const parts = folderParts(folder);
  const path = join(parts.weights, 'config.json');
  const { ignore = [] } = options;
  const config = parseConfig(readJson(path, QwenVlFolderError), { path, ignore });
  const patches = readPatchOptions(parts);
  if (patches.patch !== config.vision.patch || patches.merge !== config.vision.merge)
    throw new QwenVlFolderError(parts.processor, 'the processor cuts other patches than the model takes');
  const tokenizer = readTokenizer(parts);
  const processor = new QwenVlProcessor({
    tokenizer,
    template: readTemplate(parts),
    patches,
    imageToken: config.imageToken,
  });
  return { ...openWeights(parts.weights, config, options), processor };
}

function openWeights(
  folder: string,
  config: QwenVl['config'],
  { storage, weights = 'now' }: LoadQwenVlOptions,
): Pick<LoadedQwenVl, 'model' | 'pending'> {
  const { tensors: found, close } = openCheckpoint(folder);
  let model: QwenVl | null = null;
  try {
    const tensors = mapTensors(found, [
      // Files made from a tied model may hold the table twice.
      ...(config.language.tied ? [{ match: /^lm_head\./, drop: true }] : []),
      ...CURRENT_NAMES,
    ]);
    const stored = tensors.get('model.language_model.norm.weight')?.bits?.storage ?? 'float32';
    model = new QwenVl(config, storage ?? stored);
    const options = { halves: 'keep', ...(storage && { storage }) } as const;
    const pending = leavePending(model.parameters(), { tensors, close }, options);
    if (weights === 'later') return { model, pending };
    pending.fill(model.parameters());
    close();
    return { model, pending: null };
  } catch (error) {
    close();
    model?.dispose();
    throw error;
  }
}
