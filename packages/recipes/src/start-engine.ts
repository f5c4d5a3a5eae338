import { type EngineReport, useEngine } from '@thinkrl/engine';
import type { MicroConfig } from './config.ts';
import type { RunListener } from './event.ts';

/** Starts the engine that a configuration asks for. */
export async function startEngine({ engine }: MicroConfig, tell: RunListener): Promise<EngineReport> {
  const { name, device, threads } = engine;
  const onNotice = (text: string) => tell({ type: 'notice', text });
  const report = await useEngine({ engine: name, device, threads, onNotice });
  tell({ type: 'engine', engine: report });
  return report;
}
