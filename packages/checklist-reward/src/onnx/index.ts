export { type CtcFrames, ctcBestPath, ctcLogLikelihood } from './ctc.ts';
export { loadOcr, type Ocr, type OcrOptions } from './ocr.ts';
export { type Answering, type OnnxJudgeOptions, onnxJudge, type RunNetwork } from './onnx-judge.ts';
export {
  type ComparisonOptions,
  createPerceptualDistance,
  type PerceptualDimensionOptions,
  type PerceptualDistance,
  type PerceptualOptions,
  perceptualDimension,
} from './perceptual-distance.ts';
export { type Box, type PictureTensorOptions, pictureTensor } from './picture-tensor.ts';
export {
  type TextDimensionOptions,
  type TextJudgeOptions,
  textDimension,
  textJudge,
} from './text-judge.ts';
export { textLines } from './text-lines.ts';
export {
  createTextReader,
  type TextLine,
  type TextReader,
  type TextReaderOptions,
} from './text-reader.ts';
