export { encodeOnnx, exportOnnx, type MicroModule } from './export-onnx.ts';
