import { memoryStatistics, resetPeakMemory } from '@thinkrl/tfjs-backend-torch';

/** Bytes of the torch engine's tensors on its device. */
export interface EngineMemory {
  readonly allocatedBytes: number;
  /** Most since {@link resetEnginePeak}. */
  readonly peakBytes: number;
}

/** What the torch engine holds now, and held at most. */
export function engineMemory(): EngineMemory {
  const { allocatedBytes, peakBytes } = memoryStatistics();
  return { allocatedBytes, peakBytes };
}

/** Starts the peak of {@link engineMemory} again from what is live now. */
export function resetEnginePeak(): void {
  resetPeakMemory();
}
