export { ModelFormatError } from '../error.ts';
export {
  type Attributes,
  type Dimension,
  type ElementType,
  GraphBuilder,
  type ModelOptions,
  type Value,
  type ValueShape,
} from './graph.ts';
export { type ModelNode, type ModelOutline, outlineModel, withOutputs } from './model.ts';
