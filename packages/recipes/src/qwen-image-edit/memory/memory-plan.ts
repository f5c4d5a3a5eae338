import { roundsOf } from '../../rounds.ts';
import type { QwenEditConfig } from '../config.ts';
import type { Architecture } from './architecture.ts';
import {
  editorAdapterParameters,
  gatheredEditorParameters,
  gatheredUnderstandingParameters,
  languageParameters,
  plannerAdapterParameters,
  transformerParameters,
  vaeParameters,
  visionParameters,
} from './parameters.ts';

/** Bytes by what takes them. */
type Bytes = Readonly<Record<string, number>>;

/** What a run will take of its GPU, in bytes. */
export interface MemoryPlan {
  /** There all the time: weights, adapters and optimisers. */
  readonly resident: Bytes;
  /** On top of it, in each phase of an iteration; phases do not overlap. */
  readonly phases: Readonly<Record<'sampling' | 'understanding update' | 'generation update', Bytes>>;
  /** Resident bytes and those of the largest phase. */
  readonly peak: number;
}

/** What a task is taken to be. */
export interface TaskSize {
  /** Reference pictures. */
  readonly references: number;
}

/** Inputs of every block are kept, and about so many tokens-by-width tensors of the one that is computed again. */
const RECOMPUTED_UNITS = 30;
/** Tokens-by-width tensors of a forward pass with fused attention. */
const FORWARD_UNITS = 14;
/** Words of the templates around pictures and texts. */
const TEMPLATE_TOKENS = 120;
/** Pixels of a merged cell's side. */
const CELL = 28;
/** Full-resolution tensors of the decoder that are alive at once. */
const DECODER_TENSORS = 3;
const FLOAT = 4;

/**
 * Memory of a run on one GPU, of `sharding.ranks` that share weights out, once each has shared out what it loaded. Weights,
 * adapters, optimisers and key-value caches are exact; activations are estimates from the number of tokens, with plans of
 * the greatest length. Masks of reflections while they are sampled are left out: they come at another moment than
 * denoising, and take less up to 50 chains a group.
 *
 * @example
 * const { peak } = memoryPlan(parseQwenEditConfig({}), RELEASED, { references: 1 });
 */
export function memoryPlan(config: QwenEditConfig, sizes: Architecture, task: TaskSize): MemoryPlan {
  const resident = residentBytes(config, sizes);
  const phases = {
    sampling: samplingBytes(config, sizes, task),
    'understanding update': understandingBytes(config, sizes, task),
    'generation update': generationBytes(config, sizes, task),
  };
  const largest = Math.max(...Object.values(phases).map(total));
  return { resident, phases, peak: total(resident) + largest };
}

/** All bytes together. */
export function total(bytes: Bytes): number {
  return Object.values(bytes).reduce((sum, value) => sum + value, 0);
}

function residentBytes(config: QwenEditConfig, sizes: Architecture): Bytes {
  const { transformer, understanding, vae, weightBytes } = sizes;
  const encoder = visionParameters(understanding.vision) + languageParameters(understanding.language);
  const editor = config.generation.train ? editorAdapterParameters(transformer, config.generation.rank) : 0;
  const { train, method, rank } = config.understanding;
  const whole = train && method === 'full' ? encoder : 0;
  const planner = train && method === 'lora' ? plannerAdapterParameters(understanding.language, rank) : 0;
  const { generation, understanding: encoding } = sharesOf(config);
  const adapters = editor * generation + planner * encoding;
  return {
    transformer: transformerParameters(transformer) * weightBytes * generation,
    'text encoder': encoder * weightBytes * encoding,
    ...gatheredBytes(config, sizes),
    autoencoder: vaeParameters(vae) * FLOAT,
    'planner of its own': whole * FLOAT,
    adapters: adapters * FLOAT,
    // Two moments in float32.
    optimisers: (adapters + whole) * 2 * FLOAT,
    // An adapter that is shared out is switched off instead.
    ...(config.understanding.beta > 0 &&
      encoding === 1 && { 'reference planner': (planner + whole) * FLOAT }),
    ...(config.generation.beta > 0 && generation === 1 && { 'reference editor': editor * FLOAT }),
  };
}

/** The share of each model that a rank keeps. */
function sharesOf({ sharding }: QwenEditConfig): Readonly<Record<'generation' | 'understanding', number>> {
  const share = (parted: boolean) => (parted ? 1 / Math.max(1, sharding.ranks) : 1);
  return { generation: share(sharding.generation), understanding: share(sharding.understanding) };
}

/** What is whole for a moment of a model that is shared out: what lies around its blocks, and a block. */
function gatheredBytes(
  { sharding }: QwenEditConfig,
  { transformer, understanding, weightBytes }: Architecture,
): Bytes {
  if (sharding.ranks <= 1) return {};
  const editor = sharding.generation ? gatheredEditorParameters(transformer) : 0;
  const encoder = sharding.understanding ? gatheredUnderstandingParameters(understanding) : 0;
  return { 'weights while they are gathered': Math.max(editor, encoder) * weightBytes };
}

/** Sizes of a sequence, tokens. */
function tokensOf(config: QwenEditConfig, { references }: TaskSize) {
  const { editing, planner, mode } = config;
  const picture = Math.round(editing.side / 16) ** 2;
  const seen = Math.round(editing.seenSide / CELL) ** 2;
  const said = mode === 'direct' ? 0 : planner.mostTokens;
  const prompt = TEMPLATE_TOKENS + references * Math.round(editing.side / CELL) ** 2;
  return {
    /** Of the transformer: text, noisy picture, references. */
    edit: TEMPLATE_TOKENS + references * seen + said + (1 + references) * picture,
    /** Of the planner: what all chains of a task share. */
    prompt,
    /** Of the planner: what is a chain's own. */
    own: said + roundsOf(config) * (TEMPLATE_TOKENS + Math.round(editing.side / CELL) ** 2 + said),
  };
}

/** What a layer's attention works on. */
interface Rows {
  readonly rows: number;
  /** Of a row, each of which attends to others. */
  readonly tokens: number;
}

interface MaskedRows extends Rows {
  /** Bytes of a number of the queries. */
  readonly bytes: number;
  /** Whether what a target sees follows from its place. */
  readonly causal: boolean;
}

/**
 * Bytes of a mask as the fused kernel takes it, for every target and source of a row but not for every head: who is hidden,
 * the zeros that are added to the scores and a copy of them with that filled in. A causal one is there in full itself, and
 * once more without what comes later.
 */
function maskBytes({ rows, tokens, bytes, causal }: MaskedRows): number {
  return rows * tokens ** 2 * (1 + 2 * bytes + (causal ? 2 : 0));
}

/** Texts of several edits differ in length once they are thought: the shorter ones are masked. */
function editMaskBytes({ mode }: QwenEditConfig, { weightBytes }: Architecture, edits: Rows): number {
  if (mode === 'direct' || edits.rows === 1) return 0;
  return maskBytes({ ...edits, bytes: weightBytes, causal: false });
}

function samplingBytes(config: QwenEditConfig, sizes: Architecture, task: TaskSize): Bytes {
  const { transformer, understanding, vae, weightBytes } = sizes;
  const { side, guidance } = config.editing;
  const { language } = understanding;
  const tokens = tokensOf(config, task);
  const width = transformer.heads * transformer.headSize;
  const local = config.planner.kind === 'local' && config.mode !== 'direct';
  const chains = config.groupSize;
  const branches = guidance > 1 ? 2 : 1;
  const decoder = 2 * vae.baseWidth * side ** 2 * FLOAT * DECODER_TENSORS;
  const masks = editMaskBytes(config, sizes, { rows: chains, tokens: tokens.edit });
  const denoising = FORWARD_UNITS * tokens.edit * width * weightBytes * chains + masks;
  return {
    // Kept from the plans over the edits to the reflections.
    'key-value cache': local
      ? keyValueBytes(language, weightBytes) * (tokens.prompt + chains * tokens.own)
      : 0,
    'conditions of the edits': branches * chains * tokens.edit * width * weightBytes,
    'activations of editing or decoding': Math.max(denoising, decoder),
  };
}

/** Bytes of one token in the key-value cache: 57,344 as released. */
export function keyValueBytes(
  { layers, keyHeads, headSize }: Architecture['understanding']['language'],
  weightBytes: number,
): number {
  return 2 * layers * keyHeads * headSize * weightBytes;
}

function understandingBytes(config: QwenEditConfig, sizes: Architecture, task: TaskSize): Bytes {
  const { understanding, weightBytes } = sizes;
  const { train, method, rank, chainsAtOnce } = config.understanding;
  if (!train) return {};
  const { language } = understanding;
  const whole = method === 'full';
  const bytes = whole ? FLOAT : weightBytes;
  const tokens = tokensOf(config, task);
  const chains = Math.min(config.groupSize, chainsAtOnce);
  const portions = config.tasksPerIteration * Math.ceil(config.groupSize / chains);
  const perRow = Math.min(chains, config.planner.chainsPerRow);
  const rows = Math.ceil(chains / perRow);
  const all = rows * tokens.prompt + chains * tokens.own;
  const trained = whole
    ? visionParameters(understanding.vision) + languageParameters(language)
    : plannerAdapterParameters(language, rank);
  return {
    // The sum of the passes so far, and that of the present one.
    gradients: Math.min(2, portions) * trained * FLOAT,
    'inputs of every layer': language.layers * all * language.width * bytes,
    // A layer's normed inputs, queries, keys, values, both inner products and their gradients.
    'one layer computed again': all * (8 * language.width + 4 * language.inner) * bytes,
    // A chain alone sees all that is before it.
    'mask of chains side by side':
      perRow > 1 ? maskBytes({ rows, tokens: tokens.prompt + perRow * tokens.own, bytes, causal: true }) : 0,
  };
}

function generationBytes(config: QwenEditConfig, sizes: Architecture, task: TaskSize): Bytes {
  const { transformer, weightBytes } = sizes;
  const { train, rank, editsAtOnce } = config.generation;
  if (!train) return {};
  const width = transformer.heads * transformer.headSize;
  const tokens = tokensOf(config, task).edit;
  const unit = tokens * width * weightBytes * editsAtOnce;
  const branches = config.editing.guidance > 1 ? 2 : 1;
  return {
    // The sum of the passes so far, and that of the present one.
    gradients: 2 * editorAdapterParameters(transformer, rank) * FLOAT,
    'inputs of every block': branches * transformer.blocks * unit,
    'one block computed again': RECOMPUTED_UNITS * unit,
    'mask of texts of several lengths': editMaskBytes(config, sizes, { rows: editsAtOnce, tokens }),
  };
}
