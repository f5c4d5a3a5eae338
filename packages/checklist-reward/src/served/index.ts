export { ChecklistFileError } from './checklist-file.ts';
export {
  type ChecklistWriter,
  type ChecklistWriterOptions,
  createChecklistWriter,
} from './checklist-writer.ts';
export { type OpenAiCompatibleOptions, openAiCompatible } from './open-ai-compatible.ts';
export { type OpenAiRaterOptions, openAiRater } from './open-ai-rater.ts';
export { type JudgePrompt, type Picture, readJudgePrompt } from './prompt.ts';
