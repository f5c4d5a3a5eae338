import type { CallPart, JudgeCall } from '../judge-call.ts';
import type { PictureForm } from '../picture.ts';
import type { PromptSource, PromptValues } from '../prompt-book.ts';
import type { BenchmarkSample } from '../sample.ts';
import { isSet, riseRecordOf } from './load.ts';

/** Where RISEBench keeps its prompts, and what they were when the numbers were published. */
export const RISE_PROMPTS: PromptSource = {
  files: ['utils.py', 'eval/gen/rise/utils.py'],
  hashes: {
    prompt_consist: '84b272d821670cd2466866e27d80bed659dc677964a62a2c1459ad673c4eaf70',
    prompt_reasoning: '2a1a3394442065a25958b03047158bf670dbb0c771c5d9a7d299cdc02eb0c25b',
    prompt_reasoning_w_input: 'b781425c015b41a646eae87dea188b871f89a4749a8911281e1e3ac52f050cd0',
    prompt_generation: '2d607960deffa2e1b5178bfbf9f06c865654ddbe35b249caa9e59c616ff6c916',
    prompt_spatial_ref: 'df84b77e28183eddb0e822170970bec0a85302844ffae3c4a0effde7ada5279b',
    prompt_spatial_ref_img: '4e043b8e696d40a4be73538134b4182dc5a87a354e5878983c943a536e22e25d',
    prompt_spatial_ref_w_input: '444d3a201c30fb2fe2a88e48aca355c4f075f655c2edc4ae50a6e1fb263c668d',
    prompt_spatial_qual: '3bead46a4b0bcf295700caec5c116809dd72d4a03a750f7bb9da3e2563123c80',
    prompt_spatial_cons: 'b20ca629d36da9cf2fa591ef3c1dd5909177b4d245172479345d6fa137c4c55e',
    prompt_logical_cons_ans: '28a6dd5a2e714acf681455acbf8dc01491559ecdcc54523e50a382d1c4689aaf',
    prompt_logical_cons: '49b6870dfb1b4cb64e303d27845794e403d48ef877b85178fea9c48a425475c1',
    prompt_logical_txt: '6719763c72ab8ef9e015ed4efe3ef96c4cd01c0c2cda8457cad1a91ac69eb956',
    prompt_logical_img: 'ce89313d6047592decded49f4324000ced3c91f87153ca458dc1f55634e08cd6',
    prompt_logical_img_wo_q: '8cd49d5335cd303c810affa011b21dcd1416fcbb76df00f175ee3af949dcaa8d',
  },
};

const settings = { maxTokens: 4096, temperature: 0, pictureDetail: 'high' } as const;
const form: PictureForm = { kind: 'jpeg', quality: 75, longestSide: 768 };

/** What {@link riseCalls} has to know beside the sample. */
export interface RiseCallOptions {
  /** The edited picture. */
  readonly picture: string;
  /** Whether any record of the set has the key `reasoning_wo_ins`: then none is asked with its question. */
  readonly withoutQuestion: boolean;
}

/**
 * The calls that judge a sample: consistency unless the record is free of it, reasoning, and plausibility but for
 * logical samples. Replies that the record brings along are not asked for.
 */
export function riseCalls(sample: BenchmarkSample, options: RiseCallOptions): readonly JudgeCall[] {
  const record = riseRecordOf(sample);
  const { consistency, reasoning, plausibility } = questionsOf(sample, options);
  const steps = [
    { step: 'judge1', question: isSet(record, 'consistency_free') ? null : consistency },
    { step: 'judge2', question: reasoning },
    { step: 'judge3', question: plausibility },
  ];
  return steps.flatMap(({ step, question }) =>
    question === null || record.judge?.[step] !== undefined ? [] : [{ sample, step, ...question, settings }],
  );
}

interface Question {
  readonly prompt: string;
  readonly values: PromptValues;
  readonly parts: readonly CallPart[];
}

interface Questions {
  readonly consistency: Question;
  readonly reasoning: Question;
  readonly plausibility: Question | null;
}

const pictures = (...paths: readonly string[]): readonly CallPart[] =>
  paths.map((picture) => ({ picture, form }));

function questionsOf(sample: BenchmarkSample, options: RiseCallOptions): Questions {
  if (sample.category === 'logical_reasoning') return logicalQuestions(sample, options);
  return sample.category === 'spatial_reasoning'
    ? spatialQuestions(sample, options)
    : plainQuestions(sample, options);
}

function plainQuestions(
  { inputs, instruction, reference, record }: BenchmarkSample,
  { picture }: RiseCallOptions,
): Questions {
  const both = pictures(inputs[0]!, picture);
  const values = { instruct: instruction, reference: reference.text ?? '' };
  return {
    consistency: { prompt: 'prompt_consist', values: { instruct: instruction }, parts: both },
    reasoning: isSet(record, 'reasoning_img')
      ? { prompt: 'prompt_reasoning_w_input', values, parts: both }
      : { prompt: 'prompt_reasoning', values, parts: pictures(picture) },
    plausibility: { prompt: 'prompt_generation', values: null, parts: pictures(picture) },
  };
}

/** Where there is a picture of the answer, consistency too is measured against it and not against the input. */
function spatialQuestions(
  { inputs, instruction, reference, record }: BenchmarkSample,
  { picture }: RiseCallOptions,
): Questions {
  const values = { instruct: instruction };
  const explained = { ...values, reference: reference.text ?? '' };
  const both = pictures(reference.image ?? inputs[0]!, picture);
  const reasoning =
    reference.image !== undefined
      ? { prompt: 'prompt_spatial_ref_img', values, parts: both }
      : isSet(record, 'reasoning_img')
        ? { prompt: 'prompt_spatial_ref_w_input', values: explained, parts: both }
        : { prompt: 'prompt_spatial_ref', values: explained, parts: pictures(picture) };
  return {
    consistency: { prompt: 'prompt_spatial_cons', values, parts: both },
    reasoning,
    plausibility: { prompt: 'prompt_spatial_qual', values: null, parts: pictures(picture) },
  };
}

function logicalQuestions(
  { inputs, instruction, reference }: BenchmarkSample,
  { picture, withoutQuestion }: RiseCallOptions,
): Questions {
  if (reference.text !== undefined) {
    const values = { instruct: instruction, reference: reference.text };
    return {
      consistency: { prompt: 'prompt_logical_cons_ans', values, parts: pictures(inputs[0]!, picture) },
      reasoning: { prompt: 'prompt_logical_txt', values, parts: pictures(picture) },
      plausibility: null,
    };
  }
  const both = pictures(reference.image!, picture);
  const values = { instruct: instruction };
  return {
    consistency: { prompt: 'prompt_logical_cons', values, parts: both },
    reasoning: withoutQuestion
      ? { prompt: 'prompt_logical_img_wo_q', values: null, parts: both }
      : { prompt: 'prompt_logical_img', values, parts: both },
    plausibility: null,
  };
}
