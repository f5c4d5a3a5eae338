export {
  type GaussianBackbone,
  type GaussianBackboneOptions,
  type GaussianConditioning,
  gaussianBackbone,
} from './gaussian-backbone.ts';
export { identityCodec, imageTensor } from './identity-codec.ts';
