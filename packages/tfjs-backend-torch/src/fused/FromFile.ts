import { type StorageType, storageCodes } from '../data.ts';
import { kernel } from '../kernel/config.ts';
import { one, operation } from '../storage.ts';

const read = operation('read_file');

interface FileAttributes {
  /** Descriptor of an open file. */
  readonly file: number;
  /** Byte at which the values begin, row-major and little-endian. */
  readonly begin: number;
  readonly shape: readonly number[];
  readonly storage: StorageType;
}

/** A tensor read from an open file straight into its own memory, by way of pinned memory on a GPU. */
export const fromFile = kernel<object, FileAttributes>('FromFile', (_, { file, begin, shape, storage }) =>
  one(read, storageCodes[storage], shape, file, begin),
);
