export { encodeOnnx, exportOnnx, type MicroModule } from './export-onnx.ts';
export { perceptionReader, shippedPerception } from './perception-reader.ts';
