import { type HostTensor, type OpenSafetensors, openSafetensors } from '@thinkrl/nn';
import { ShardFileError } from '../error.ts';

/** A run of a parameter's values in a file. */
interface Run {
  readonly offset: number;
  readonly size: number;
  readonly tensor: HostTensor;
}

/** A parameter whose values are in one file or several. */
interface Scattered {
  readonly shape: readonly number[];
  readonly runs: Run[];
}

/**
 * Opens the files that {@link saveShards} wrote on the ranks of a world, or one that holds whole parameters, as if they
 * were one: every parameter has its full shape, and `range` reads the bytes of the values that are asked for and no others.
 *
 * @throws SafetensorsError for a file that cannot be read as one; ShardFileError when the files do not fit together, or
 * lack values that are asked for.
 * @example
 * const opened = openShards(['editor.0-of-2.safetensors', 'editor.1-of-2.safetensors']);
 * loadParameters(editor.parameters(), opened.tensors); // whole, in one process
 * opened.close();
 */
export function openShards(paths: readonly string[]): OpenSafetensors {
  const files: OpenSafetensors[] = [];
  const close = () => {
    for (const file of files) file.close();
  };
  try {
    for (const path of paths) files.push(openSafetensors(path));
    const found = scatteredIn(paths, files);
    const tensors = new Map([...found].map(([name, parameter]) => [name, joined(name, parameter)]));
    return { tensors, metadata: {}, close };
  } catch (error) {
    close();
    throw error;
  }
}

function scatteredIn(
  paths: readonly string[],
  files: readonly OpenSafetensors[],
): ReadonlyMap<string, Scattered> {
  const found = new Map<string, Scattered>();
  files.forEach(({ tensors, metadata }, i) => {
    for (const [name, tensor] of tensors) {
      const { shape, offset } = placeOf(paths[i]!, name, { tensor, text: metadata[name] });
      const parameter = found.get(name) ?? { shape, runs: [] };
      if (parameter.shape.join() !== shape.join())
        throw new ShardFileError(paths[i]!, `${name} has another shape than in the other files`);
      parameter.runs.push({ offset, size: sizeOf(tensor.shape), tensor });
      found.set(name, parameter);
    }
  });
  return found;
}

/** The shape of a tensor's parameter, and where in it the tensor begins. */
function placeOf(
  path: string,
  name: string,
  { tensor, text }: { readonly tensor: HostTensor; readonly text: string | undefined },
): { readonly shape: readonly number[]; readonly offset: number } {
  if (text === undefined) return { shape: tensor.shape, offset: 0 };
  try {
    const { shape, offset } = JSON.parse(text) as { shape: readonly number[]; offset: number };
    if (offset >= 0 && offset + sizeOf(tensor.shape) <= sizeOf(shape)) return { shape, offset };
  } catch (cause) {
    throw new ShardFileError(path, `what its metadata say of ${name} is not JSON`, { cause });
  }
  throw new ShardFileError(path, `${name} reaches beyond its parameter`);
}

/** A parameter as one tensor, which reads from each run what it is asked for. */
function joined(name: string, { shape, runs }: Scattered): HostTensor {
  const whole = runs.find(({ tensor }) => tensor.shape.join() === shape.join());
  if (whole !== undefined) return whole.tensor;
  const range = (from: number, to: number) => {
    const values = new Float32Array(to - from);
    for (let position = from; position < to; ) {
      const run = runs.find(({ offset, size }) => offset <= position && position < offset + size);
      if (run === undefined)
        throw new ShardFileError(name, `value ${position} is in none of the files: one of them is missing`);
      const end = Math.min(to, run.offset + run.size);
      values.set(run.tensor.range!(position - run.offset, end - run.offset) as Float32Array, position - from);
      position = end;
    }
    return values;
  };
  return {
    shape,
    range,
    get data() {
      return range(0, sizeOf(shape));
    },
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
