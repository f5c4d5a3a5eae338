import { perceptionReader, shippedPerception } from '@thinkrl/backbones/micro-onnx';
import type { Judge } from '@thinkrl/checklist-reward';
import { cellJudge, type MicroTask, presetOf } from '@thinkrl/microworld';
import { loadNetwork } from '@thinkrl/onnx';
import type { MicroConfig } from './config.ts';

/** Runs `work` with the judge that learned to see, or without one where the configuration wants none. */
export async function withLearnedJudge<T>(
  config: Pick<MicroConfig, 'eyes' | 'judge'>,
  work: (judge: Judge<MicroTask> | undefined) => Promise<T>,
): Promise<T> {
  if (config.eyes === 'exact') return work(undefined);
  const network = await loadNetwork({ model: shippedPerception() });
  const refuseIdle = presetOf(config.judge).settings.untouched === 'refused';
  const { fingerprint: version } = network;
  try {
    return await work(
      cellJudge({ name: 'micro-perception', version, read: perceptionReader(network), refuseIdle }),
    );
  } finally {
    await network.close();
  }
}
