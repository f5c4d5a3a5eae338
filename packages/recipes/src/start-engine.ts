import { type EngineReport, useEngine } from '@thinkrl/engine';
import type { z } from 'zod';
import type { RunListener } from './event.ts';
import type { engineSettings } from './settings.ts';

/** What a configuration says of its engine. */
export interface EngineChoice {
  readonly engine: z.infer<typeof engineSettings>;
}

/** Starts the engine that a configuration asks for. */
export async function startEngine({ engine }: EngineChoice, tell: RunListener): Promise<EngineReport> {
  const { name, device, threads } = engine;
  const onNotice = (text: string) => tell({ type: 'notice', text });
  const report = await useEngine({ engine: name, device, threads, onNotice });
  tell({ type: 'engine', engine: report });
  return report;
}
