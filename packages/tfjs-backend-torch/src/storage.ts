import { type BackendValues, type DataType, engine, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Binding } from './binding.ts';
import { loadBinding } from './binding.ts';
import { idsOf, isHalfCode, nativeTypes, TorchData, typeCode } from './data.ts';
import { TorchDisposedError, TorchKernelError } from './error.ts';

const mailboxLength = 1 << 17;
const outbox = 1 << 16;
const releasedLength = 1 << 12;
const promptRelease = 1 << 20;

const mailbox = new Float64Array(mailboxLength);
const released = new Int32Array(releasedLength);
const foreign = new WeakMap<object, TorchData>();
const declared: Operation[] = [];

let binding: Binding | undefined;
let live = 0;
let epoch = 0;
let cursor = 0;
let halves = false;

/** A native operation; its index is known once the addon is loaded. */
export interface Operation {
  readonly name: string;
  index: number;
}

/** What an operation reads from the mailbox: numbers, flags and lists of numbers (tensors go as handles). */
export type Argument = number | boolean | ArrayLike<number>;

/** Names a native operation. Call once per operation, at module level. */
export function operation(name: string): Operation {
  const entry = { name, index: -1 };
  declared.push(entry);
  if (binding !== undefined) resolve(binding, [entry]);
  return entry;
}

function resolve(native: Binding, operations: readonly Operation[]): void {
  const index = new Map(native.names().map((name, position) => [name, position]));
  for (const entry of operations) {
    const position = index.get(entry.name);
    if (position === undefined)
      throw new Error(`the compiled addon has no operation ${entry.name}: rebuild it`);
    entry.index = position;
  }
}

/**
 * The loaded addon, loading it at the first call.
 *
 * @throws TorchMissingError when it is not built or does not load.
 */
export function native(): Binding {
  if (binding === undefined) {
    const loaded = loadBinding();
    loaded.attach(mailbox, released);
    resolve(loaded, declared);
    binding = loaded;
  }
  return binding;
}

/** The data behind a data id; data that lives in another backend is moved here first. */
export function dataOf(dataId: object): TorchData {
  if (dataId instanceof TorchData && (dataId.handle >= 0 || dataId.strings !== undefined)) return dataId;
  const moved = foreign.get(dataId);
  if (moved !== undefined && (moved.handle >= 0 || moved.strings !== undefined)) return moved;
  return moveHere(dataId);
}

function moveHere(dataId: object): TorchData {
  if (dataId instanceof TorchData && dataId.withheld >= 0)
    throw new TorchDisposedError(
      'the memory of a tensor is released: a sharded parameter was used outside of its unit',
    );
  const backend = engine().findBackend('torch');
  try {
    engine().moveData(backend, dataId);
  } catch (cause) {
    throw new TorchDisposedError('a tensor was used after its data had been disposed', { cause });
  }
  const moved = foreign.get(dataId);
  if (moved === undefined) throw new TorchDisposedError('a tensor was used after its data had been disposed');
  return moved;
}

/** The native handle of a tensor. */
export function handleOf(tensor: TensorInfo): number {
  const { dataId } = tensor;
  if (dataId instanceof TorchData && dataId.handle >= 0) return dataId.handle;
  const data = dataOf(dataId);
  if (data.handle < 0) throw new TorchKernelError({ operation: 'string tensor' });
  return data.handle;
}

/** The native handle of a tensor that may be absent (-1). */
export function maybeHandle(tensor: TensorInfo | null | undefined): number {
  return tensor == null ? -1 : handleOf(tensor);
}

/** Native handles of a list of tensors. */
export function handlesOf(tensors: readonly TensorInfo[]): number[] {
  return tensors.map(handleOf);
}

/** Writes the arguments into the mailbox. */
function put(args: readonly Argument[]): void {
  let at = 0;
  for (let i = 0; i < args.length; i++) {
    const value = args[i]!;
    if (typeof value === 'number') {
      mailbox[at++] = value;
    } else if (typeof value === 'boolean') {
      mailbox[at++] = value ? 1 : 0;
    } else {
      mailbox[at++] = value.length;
      for (let j = 0; j < value.length; j++) mailbox[at++] = value[j]!;
    }
  }
  if (at > outbox) throw new TorchKernelError({ operation: `an operation with ${at} arguments` });
}

/** Runs an operation; its results wait in the mailbox. Returns how many there are. */
function run(entry: Operation, args: readonly Argument[]): number {
  put(args);
  try {
    binding!.invoke(entry.index);
  } catch (cause) {
    throw new TorchKernelError({ operation: entry.name }, { cause });
  }
  cursor = outbox + 1;
  return mailbox[outbox]!;
}

/** The next result in the mailbox as a tensor of its own. */
function take(): TensorInfo {
  const handle = mailbox[cursor++]! | 0;
  const code = mailbox[cursor++]!;
  const rank = mailbox[cursor++]! | 0;
  const shape: number[] = new Array(rank);
  let size = 1;
  for (let i = 0; i < rank; i++) {
    const length = mailbox[cursor++]!;
    shape[i] = length;
    size *= length;
  }
  live += idsOf(code);
  halves ||= isHalfCode(code);
  return { dataId: new TorchData(handle, code, size, epoch), shape, dtype: nativeTypes[code]! };
}

/** Runs an operation for its one result. */
export function one(entry: Operation, ...args: Argument[]): TensorInfo {
  run(entry, args);
  return take();
}

/** Runs an operation for all its results. */
export function many(entry: Operation, ...args: Argument[]): TensorInfo[] {
  const count = run(entry, args);
  const results: TensorInfo[] = new Array(count);
  for (let i = 0; i < count; i++) results[i] = take();
  return results;
}

/** Runs an operation that changes its inputs in place and returns nothing. */
export function none(entry: Operation, ...args: Argument[]): void {
  run(entry, args);
}

function hostArray(values: BackendValues | null, dtype: DataType, size: number): ArrayBufferView {
  if (dtype === 'bool') {
    if (values instanceof Uint8Array) return values;
    return values === null ? new Uint8Array(size) : Uint8Array.from(values as ArrayLike<number>);
  }
  if (dtype === 'int32') {
    if (values instanceof Int32Array) return values;
    return values === null ? new Int32Array(size) : Int32Array.from(values as ArrayLike<number>);
  }
  const length = dtype === 'complex64' ? 2 * size : size;
  if (values instanceof Float32Array) return values;
  return values === null ? new Float32Array(length) : Float32Array.from(values as ArrayLike<number>);
}

/** New data from JavaScript values (`null`: zeros); strings are kept as the byte arrays they are. */
export function store(values: BackendValues | null, shape: readonly number[], dtype: DataType): TorchData {
  const size = util.sizeFromShape(shape as number[]);
  if (dtype !== 'string') return storeAs(hostArray(values, dtype, size), shape, typeCode(dtype));
  live += 1;
  const data = new TorchData(-1, -1, size, epoch);
  data.strings = (values ?? []) as Uint8Array[];
  return data;
}

/** New data from values that are laid out as the mailbox code says; halves come as their bits. */
export function storeAs(values: ArrayBufferView, shape: readonly number[], code: number): TorchData {
  try {
    put([code, shape]);
    native().upload(values);
  } catch (cause) {
    throw new TorchKernelError({ operation: 'upload' }, { cause });
  }
  live += idsOf(code);
  halves ||= isHalfCode(code);
  return new TorchData(mailbox[outbox + 1]! | 0, code, util.sizeFromShape(shape as number[]), epoch);
}

/** Whether any tensor of this process was ever stored in halves. */
export function anyHalves(): boolean {
  return halves;
}

/** Registers data under an id that another backend made. */
export function adopt(dataId: object, data: TorchData): void {
  foreign.set(dataId, data);
}

function roomFor({ dtype, size }: TorchData): Uint8Array | Int32Array | Float32Array {
  if (dtype === 'bool') return new Uint8Array(size);
  if (dtype === 'int32') return new Int32Array(size);
  return new Float32Array(dtype === 'complex64' ? 2 * size : size);
}

/** A copy of the values in row-major order; complex numbers interleaved. */
export function load(data: TorchData): BackendValues {
  if (data.strings !== undefined) return data.strings;
  const values = roomFor(data);
  native().download(data.handle, values);
  return values;
}

/** The same without holding up the event loop while a GPU computes. */
export async function loadLater(data: TorchData): Promise<BackendValues> {
  if (data.strings !== undefined) return data.strings;
  const values = roomFor(data);
  await native().downloadLater(data.handle, values);
  return values;
}

/** Frees the storage; the native tensor goes before the next operation starts. */
export function free(data: TorchData): void {
  if (data.epoch !== epoch) return;
  if (data.strings !== undefined) {
    data.strings = undefined;
    live -= 1;
    return;
  }
  giveBack(data);
  if (data.handle < 0) return;
  live -= data.count;
  release(data.handle, data.size);
  data.handle = -1;
  if (data.companions === undefined) return;
  for (const handle of data.companions) release(handle, 0);
  data.companions = undefined;
}

function release(handle: number, size: number): void {
  const count = released[0]! + 1;
  released[count] = handle;
  released[0] = count;
  if (count === releasedLength - 1 || size >= promptRelease) native().drain();
}

/** Keeps a tensor whose memory is released from being used. */
export function withhold(data: TorchData): void {
  if (data.handle < 0) return;
  data.withheld = data.handle;
  data.handle = -1;
}

/** Makes a withheld tensor usable again. */
export function giveBack(data: TorchData): void {
  if (data.withheld < 0) return;
  data.handle = data.withheld;
  data.withheld = -1;
}

/** Keeps extra results of a forward pass alive exactly as long as `tensor`, for {@link companionsOf}. */
export function accompany(tensor: TensorInfo, extras: readonly TensorInfo[]): TensorInfo {
  const data = dataOf(tensor.dataId);
  data.companions = extras.map((extra) => {
    const own = dataOf(extra.dataId);
    live -= own.count;
    return own.handle;
  });
  return tensor;
}

/** The native handles kept beside a kernel's result. */
export function companionsOf(tensor: TensorInfo): readonly number[] {
  const { companions } = dataOf(tensor.dataId);
  if (companions === undefined) throw new TorchDisposedError('the saved state of a fused kernel is gone');
  return companions;
}

/** The same data under one more reference: no native call, no copy. */
export function share(tensor: TensorInfo): TensorInfo {
  const { dataId, shape, dtype } = tensor;
  dataOf(dataId).refCount += 1;
  return { dataId, shape, dtype };
}

/** Frees a tensor that a kernel made for its own use. */
export function discard(...tensors: readonly TensorInfo[]): void {
  for (const tensor of tensors) free(dataOf(tensor.dataId));
}

/** The data behind an id if it lives here. */
export function ownData(dataId: object): TorchData | undefined {
  const own =
    dataId instanceof TorchData &&
    (dataId.handle >= 0 || dataId.withheld >= 0 || dataId.strings !== undefined);
  return own ? dataId : foreign.get(dataId);
}

/** Live data ids as tfjs counts them. */
export function liveCount(): number {
  return live;
}

/** Frees everything at once: what was made so far is gone. */
export function clearStorage(): void {
  if (binding === undefined) return;
  released[0] = 0;
  binding.clear();
  epoch += 1;
  live = 0;
}
