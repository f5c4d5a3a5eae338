export { type CellJudgeOptions, type CellReader, cellJudge } from './cell-judge.ts';
export { type MicroChecklist, type MicroQuestion, makeChecklist } from './checklist.ts';
export { COMPOSITIONS, type Composition, HELD_OUT, TRAINED } from './composition.ts';
export { contactSheet, type SheetOptions, type SheetRow } from './contact-sheet.ts';
export { CORPUS_DEFAULTS, type CorpusOptions, corpusOptions } from './corpus/corpus-options.ts';
export { type EditingSample, editingBatch, editingSample } from './corpus/editing-sample.ts';
export {
  SPOILT_LABEL,
  type UnderstandingSample,
  understandingBatch,
  understandingSample,
} from './corpus/understanding-sample.ts';
export { cellDifferences, RECOGNITION_LIMIT, type Reading, readPicture } from './decode.ts';
export {
  ImpossibleTaskError,
  MicroworldError,
  PictureSizeError,
  TextTooLongError,
  UnknownWordError,
} from './error.ts';
export {
  EDITED_QUESTION,
  type ExactJudgeOptions,
  exactJudge,
  type OracleScores,
  oracleScores,
  UNEDITED_QUESTION,
} from './exact-judge.ts';
export { exactRater } from './exact-rater.ts';
export { type Fact, factHolds } from './fact.ts';
export { CELL_NAMES, CELL_PIXELS, GRID, imageOfCells, writeCells } from './grid.ts';
export { keptConsistency, lazyQuality, plainQuality, steepConsistency } from './metrics.ts';
export { applyOperations, type Operation } from './operation.ts';
export { type PlanParse, parsePlan, planSteps, planWords } from './plan.ts';
export { encodePng } from './png.ts';
export {
  createMicroJudge,
  createMicroReward,
  JUDGE_PRESETS,
  type JudgePreset,
  type JudgeSettings,
  presetOf,
} from './preset.ts';
export { fixOperations, parseReflection, type ReflectionParse, reflectionWords } from './reflection.ts';
export type { Category } from './rule.ts';
export { RULE_NAMES, RULES, type RuleName } from './rules/index.ts';
export { type Cells, changedCells, renderScene, type Scene, SPOILT, sameCells } from './scene.ts';
export { type MicroTask, ruleTask, type Split, sampleTask, taskList, taskStream } from './task.ts';
export {
  EMPTY,
  findTemplate,
  TEMPLATE_PIXELS,
  TEMPLATES,
  type Template,
  templateName,
  templateOffset,
} from './template.ts';
export {
  CELL_WORD_IDS,
  decodeWords,
  END,
  encodeWords,
  PAD,
  SLOTS,
  SPECIAL_WORDS,
  VOCABULARY,
  wordId,
} from './vocabulary.ts';
