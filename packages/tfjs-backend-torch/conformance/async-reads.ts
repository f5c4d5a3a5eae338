import { TorchBackend } from '../src/index.ts';

/** Makes every synchronous read throw, so that no spec depends on one by accident. */
export function withoutSyncReads(): void {
  TorchBackend.prototype.readSync = () => {
    throw new Error('readSync is switched off in this run');
  };
}
