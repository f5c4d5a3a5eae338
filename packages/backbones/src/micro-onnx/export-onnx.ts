import { writeFile } from 'node:fs/promises';
import { Editor, type Perception, Understander } from '../micro/index.ts';
import { editorModel } from './export-editor.ts';
import { perceptionModel } from './export-perception.ts';
import { understanderModel } from './export-understander.ts';

/** The micro modules that can be exported. */
export type MicroModule = Editor | Understander | Perception;

/**
 * The module as an ONNX file for any runtime, in Node or a browser; a free number of rows, everything else fixed. See
 * `docs/onnx.md` for inputs and outputs. Equal to the module within 1e-4.
 *
 * @example
 * const { backbone } = await loadMicro();
 * await writeFile('editor.onnx', await encodeOnnx(backbone.model));
 */
export function encodeOnnx(module: MicroModule): Promise<Uint8Array> {
  if (module instanceof Editor) return editorModel(module);
  return module instanceof Understander ? understanderModel(module) : perceptionModel(module);
}

/** Writes {@link encodeOnnx} to a file. */
export async function exportOnnx(path: string, module: MicroModule): Promise<void> {
  await writeFile(path, await encodeOnnx(module));
}
