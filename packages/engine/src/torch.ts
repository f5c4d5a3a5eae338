import type { EngineReport } from './report.ts';

type Torch = typeof import('@thinkrl/tfjs-backend-torch');

/** The torch engine's module; the one place that imports it. */
export function importTorch(): Promise<Torch> {
  return import('@thinkrl/tfjs-backend-torch');
}

/** Where an engine is to run. */
export interface Place {
  readonly device: string | undefined;
  readonly threads: number;
}

/** The torch engine's device: the one that was asked for, else the environment's, else the CPU. */
export function torchDevice({ device }: Place): string {
  return device ?? process.env.THINKRL_DEVICE ?? 'cpu';
}

/**
 * Registers the torch engine, chooses its device and sets its threads.
 *
 * @throws TorchMissingError when the addon is not built or does not load.
 * @throws TorchDeviceError when there is no such device.
 */
export async function startTorch(place: Place): Promise<EngineReport> {
  const torch = await importTorch();
  torch.registerTorch();
  torch.setDevice(torchDevice(place));
  torch.setThreads(place.threads);
  const { version, origin, device, threads } = torch.torchFacts();
  return { name: 'torch', version, origin: `libtorch from ${origin}`, threads, device };
}
