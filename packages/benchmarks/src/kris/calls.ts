import { basename } from 'node:path';
import type { CallPart, JudgeCall } from '../judge-call.ts';
import type { PictureForm } from '../picture.ts';
import type { PromptSource, PromptValues } from '../prompt-book.ts';
import type { BenchmarkSample } from '../sample.ts';
import { krisCategory } from './taxonomy.ts';

/** Where KRIS-Bench keeps its prompts, and what they were when the numbers were published. */
export const KRIS_PROMPTS: PromptSource = {
  files: ['utils/prompts.py', 'ReasonEdit/prompts.py', 'prompts.py', 'eval/gen/kris/prompts.py'],
  hashes: {
    prompt_consist: 'd4eed281e816dd4ec94bb79777bf2ffd14cd2258a86f95d3524f44161d860c14',
    prompt_quality: 'e4dd2bffe1e0db4489faeab14dbfd9df9779dbbfb10f4f26f899a55a3b225cac',
    prompt_instruction_following: '7230580658d5411849859a3dabb3cd143881ac7e1a1343c6b34f21091a6dddf3',
    prompt_dual_evaluation: '521866619f71b5268d097d7ec0e8f64b1d5e99770359f51936f75a00b3950564',
    prompt_abnormal_instruction_following: 'd76d20816f6b2429850d8a33a91277ba86c03eec5398d76cca6eb26a282b3614',
    prompt_view_instruction_following: 'ec2d29e6f3c93eabcfdbf77920a29d4e2a233011ee98eb5b81e7874895bdd8f2',
    prompt_consist_temporal: '6cc203d16ac510cf1979484050af597290064bd9eca639803c2733e59b5136c9',
    prompt_instruction_temporal: '8a96dbf10e506cccc4b0fc4783a5ab2f46a40249f987feae0df34cef957737f7',
    prompt_consist_multi: '9b6f3b5bd3c569ef559fbcdfb6459f3d7199a179f0cee2763f5f9ab29280d1dd',
    prompt_instruction_multi: '9a5c3a142e5fa88f7dbc128bea7d85e5095e12fc3e8c1426654d1fe314f2e55e',
  },
};

/**
 * Which prompt asks about corrected anomalies. Upstream has one for them, with the explanation, and never uses it: its
 * test for the category looks for another name.
 */
export type AnomalyPrompt = 'upstream' | 'intended';

const settings = { maxTokens: 1000 };
const asFile: PictureForm = { kind: 'file' };
const asJpeg: PictureForm = { kind: 'jpeg', quality: 85 };

/** The three calls that judge a sample, in upstream's order: consistency, instruction or both scores, quality. */
export function krisCalls(
  sample: BenchmarkSample,
  picture: string,
  anomalyPrompt: AnomalyPrompt,
): readonly JudgeCall[] {
  const call = (step: string, { prompt, values, parts }: Question): JudgeCall => ({
    sample,
    step,
    prompt,
    values,
    parts,
    settings,
  });
  const [consistency, instruction, quality] = questionsOf(sample, picture, anomalyPrompt);
  const second = instruction.prompt === 'prompt_dual_evaluation' ? 'dual' : 'instruction';
  return [call('consistency', consistency), call(second, instruction), call('quality', quality)];
}

interface Question {
  readonly prompt: string;
  readonly values: PromptValues;
  readonly parts: readonly CallPart[];
}

type Questions = readonly [consistency: Question, instruction: Question, quality: Question];

function questionsOf(sample: BenchmarkSample, picture: string, anomalyPrompt: AnomalyPrompt): Questions {
  const script = krisCategory(sample.category)!.script;
  const values = { instruct: sample.instruction };
  if (script === 'multi-element') {
    const parts = [...sample.inputs.flatMap(numbered), ...shown('Predicted Image:', picture)];
    return several('multi', { values, parts, quality: shown('This is the image to evaluate:', picture) });
  }
  if (script === 'temporal') {
    const { frames, generated } = framesOf(sample, picture);
    return several('temporal', {
      values: { ...values, N: `${generated}` },
      parts: frames,
      quality: shown('This is the image to evaluate:', picture, asJpeg),
    });
  }
  const edited = shown('This is the edited image:', picture);
  const pair = [...shown('This is the original image:', sample.inputs[0]!), ...edited];
  return [
    { prompt: 'prompt_consist', values, parts: pair },
    instructionQuestion(sample, pair, anomalyPrompt),
    { prompt: 'prompt_quality', values: null, parts: edited },
  ];
}

function instructionQuestion(
  { category, instruction, reference }: BenchmarkSample,
  pair: readonly CallPart[],
  anomalyPrompt: AnomalyPrompt,
): Question {
  const values = { instruct: instruction };
  const explained = { ...values, explanation: reference.text ?? '' };
  const { script } = krisCategory(category)!;
  if (script === 'knowledge') return { prompt: 'prompt_dual_evaluation', values: explained, parts: pair };
  if (script === 'viewpoint') {
    const truth = shown('This is the ground truth image:', reference.image!);
    return { prompt: 'prompt_view_instruction_following', values, parts: [...pair, ...truth] };
  }
  if (anomalyPrompt === 'intended' && category === 'anomaly_correction')
    return { prompt: 'prompt_abnormal_instruction_following', values: explained, parts: pair };
  return { prompt: 'prompt_instruction_following', values, parts: pair };
}

interface Several {
  readonly values: PromptValues;
  readonly parts: readonly CallPart[];
  readonly quality: readonly CallPart[];
}

function several(kind: 'multi' | 'temporal', { values, parts, quality }: Several): Questions {
  return [
    { prompt: `prompt_consist_${kind}`, values, parts },
    { prompt: `prompt_instruction_${kind}`, values, parts },
    { prompt: 'prompt_quality', values: null, parts: quality },
  ];
}

function shown(label: string, picture: string, form = asFile): readonly CallPart[] {
  return [{ label }, { picture, form }];
}

function numbered(input: string, index: number): readonly CallPart[] {
  return shown(`Reference Image ${index + 1}:`, input);
}

/** The frames in order, the generated one in the slot that the reference frames leave open. */
function framesOf({ inputs }: BenchmarkSample, picture: string) {
  const references = inputs.map((path) => ({ number: frameNumber(path), path, kind: 'Reference' }));
  const numbers = references.map(({ number }) => number);
  const open = [1, 2, 3, 4].filter((number) => !numbers.includes(number));
  const generated = open.length === 1 ? open[0]! : Math.max(0, ...numbers) + 1;
  const frames = [...references, { number: generated, path: picture, kind: 'Generated' }]
    .sort((a, b) => a.number - b.number)
    .flatMap(({ number, path, kind }) => shown(`Frame ${number} (${kind}):`, path, asJpeg));
  return { frames, generated };
}

function frameNumber(path: string): number {
  return Number(/\d+-(\d+)/.exec(basename(path))?.[1] ?? 0);
}
