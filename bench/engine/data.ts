import { shippedWeights } from '@thinkrl/backbones/micro';
import { type MicroTask, sampleTask } from '@thinkrl/microworld';
import { defaultMicroConfig } from '@thinkrl/recipes';
import { type Chain, Key } from '@thinkrl/spec';
import { type Contender, createContender } from '../micro/contender.ts';
import { vocabularyForPeer } from '../micro/exchange.ts';

const TASKS = 8;

/** What the micro cases work on. */
export interface MicroData {
  readonly contender: Contender;
  readonly chains: readonly Chain<MicroTask>[];
}

/** The shipped models and 64 chains of theirs. */
export async function microData(): Promise<MicroData> {
  const contender = await createContender(defaultMicroConfig, shippedWeights());
  const key = Key.of(1).fold('bench');
  const tasks = Array.from({ length: TASKS }, (_, i) => sampleTask(key.fold(i), 'id'));
  return { contender, chains: await contender.rollOut({ tasks, window: [1], key }) };
}

/** What the peer loads for the cases: the same models, which hardly learn, so that a step stays what it is. */
export function peerSettings(threads: number, clock = 'wall') {
  const { steps, eta } = defaultMicroConfig.editing;
  const objectives = [
    { clip: 0.2, beta: 0 },
    { clip: 1e-3, beta: 0 },
  ];
  const settings = { threads, clock, learningRates: [1e-6, 1e-6], objectives, steps, eta };
  return { weights: shippedWeights(), ...settings, ...vocabularyForPeer() };
}
