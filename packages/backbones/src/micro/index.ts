export { microCodec } from './codec.ts';
export { type MicroConditioning, MicroEditBackbone } from './edit-backbone.ts';
export { Editor, type EditorContext } from './editor.ts';
export { MicroInputError, MicroWeightsError } from './error.ts';
export { MicroPolicy } from './micro-policy.ts';
export { PERCEPTION_CLASSES, Perception } from './perception.ts';
export { pictureTensor } from './picture.ts';
export type { PretrainProgress } from './pretrain/fit.ts';
export {
  type PretrainOptions,
  pretrainEditor,
  pretrainPerception,
  pretrainUnderstander,
} from './pretrain/pretrain.ts';
export { EDITOR_SIZE, type MicroSize, UNDERSTANDER_SIZE } from './size.ts';
export { PLACES, Understander } from './understander.ts';
export {
  type LoadMicroOptions,
  loadMicro,
  type MicroModels,
  microParameters,
  saveMicro,
  shippedWeights,
} from './weights.ts';
