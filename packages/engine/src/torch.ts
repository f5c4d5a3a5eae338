import type { EngineReport } from './report.ts';

type Torch = typeof import('@thinkrl/tfjs-backend-torch');

/** The torch engine's module; the one place that imports it. */
export function importTorch(): Promise<Torch> {
  return import('@thinkrl/tfjs-backend-torch');
}

/**
 * Registers the torch engine, chooses its device and sets its threads.
 *
 * @throws TorchMissingError when the addon is not built or does not load.
 * @throws TorchDeviceError when there is no such device.
 */
export async function startTorch(place: { device: string; threads: number }): Promise<EngineReport> {
  const torch = await importTorch();
  torch.registerTorch();
  torch.setDevice(place.device);
  torch.setThreads(place.threads);
  const { version, origin, device, threads } = torch.torchFacts();
  return { name: 'torch', version, origin: `libtorch from ${origin}`, threads, device };
}
