export { type LocalJudge, type TransformersJsOptions, transformersJs } from './transformers-js.ts';
