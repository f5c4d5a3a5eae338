import type { Key } from '@thinkrl/spec';
import type { Cluster } from './cluster.ts';
import { gatherTime, type Sharding, shardsOf } from './gather.ts';
import { forwardFlops, type Workload } from './workload.ts';

/** A way to run a workload. */
export interface Layout {
  readonly gpus: number;
  readonly sharding: Sharding;
  /** Judge servers for all GPUs together. */
  readonly judges: number;
}

/** Seconds of one iteration by part. */
export interface StepTime {
  readonly plan: number;
  readonly edit: number;
  /** Time that judging takes beyond what sampling the next task hides. */
  readonly judge: number;
  readonly update: number;
  /** Of the above, waiting for weights that the computation before them did not hide. */
  readonly exposed: number;
  /** Of the above, waiting for the GPU with the most to do. */
  readonly waiting: number;
  readonly total: number;
}

/** Guidance takes two passes a step. */
const PASSES = 2;
/** Forward, the forward again from a checkpoint, and the way back through frozen weights, in forward passes. */
const TRAINED_PASS = 3;

/** What one GPU happens to get: chains that edit twice and chains that are trained on. */
interface Share {
  readonly fixes: number;
  readonly kept: number;
}

/** Simulates one iteration: what each GPU draws is random, and all wait for the one with the most to do. */
export function stepTime(work: Workload, cluster: Cluster, layout: Layout, key: Key): StepTime {
  const shares = Array.from({ length: layout.gpus }, (_, gpu) => drawn(work, key.fold(gpu)));
  const pass = passTime(work, cluster, layout);
  const chains = work.tasksPerGpu * work.groupSize;
  const edits = (count: number) => editTime(work, count, pass);
  const updates = (count: number) => updateTime(work, count, pass);
  const second = spread(shares.map(({ fixes }) => edits(fixes).time));
  const trained = spread(shares.map(({ kept }) => updates(kept).time));
  const plan = PASSES * decodeTime(work, cluster);
  const edit = edits(chains).time + second.slowest;
  const judge = judgeTime(work, layout) - (edit * (work.tasksPerGpu - 1)) / work.tasksPerGpu;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const exposed =
    edits(chains).exposed +
    mean(shares.map(({ fixes, kept }) => edits(fixes).exposed + updates(kept).exposed));
  const parts = { plan, edit, judge: Math.max(0, judge), update: trained.slowest };
  const total = parts.plan + parts.edit + parts.judge + parts.update;
  return { ...parts, exposed, waiting: second.waiting + trained.waiting, total };
}

function drawn({ tasksPerGpu, groupSize, fixShare, keptShare }: Workload, key: Key): Share {
  const stream = key.stream();
  const count = (share: number) => {
    let hits = 0;
    for (let i = 0; i < tasksPerGpu * groupSize; i++) if (stream.uniform() < share) hits++;
    return hits;
  };
  return { fixes: count(fixShare), kept: count(keptShare) };
}

/** Seconds of a forward pass over `sequences`, and how much of them is waiting for weights. */
type PassTime = (sequences: number, factor?: number) => { readonly time: number; readonly exposed: number };

/** Weights of the next block travel while a block computes, so only what takes longer than computing shows. */
function passTime(work: Workload, cluster: Cluster, { gpus, sharding }: Layout): PassTime {
  const gather = gatherTime(work.editorBytes, shardsOf(sharding, gpus, cluster), cluster);
  const one = forwardFlops(work) / cluster.flops;
  return (sequences, factor = 1) => {
    const compute = sequences * factor * one;
    // A trained pass gathers for the forward pass and again for the way back.
    const gathered = (factor > 1 ? 2 : 1) * gather;
    const exposed = Math.max(0, gathered - compute) + Math.min(gathered, compute) / work.blocks;
    return { time: compute + (gather === 0 ? 0 : exposed), exposed: gather === 0 ? 0 : exposed };
  };
}

function editTime({ denoisingSteps, sampledAtOnce }: Workload, chains: number, pass: PassTime) {
  return inBatches(chains, sampledAtOnce, (count) => times(denoisingSteps * PASSES, pass(count)));
}

function updateTime({ window, trainedAtOnce }: Workload, chains: number, pass: PassTime) {
  return inBatches(chains, trainedAtOnce, (count) => times(window * PASSES, pass(count, TRAINED_PASS)));
}

function inBatches(chains: number, most: number, cost: (count: number) => ReturnType<PassTime>) {
  const total = { time: 0, exposed: 0 };
  for (let left = chains; left > 0; left -= most) {
    const { time, exposed } = cost(Math.min(left, most));
    total.time += time;
    total.exposed += exposed;
  }
  return total;
}

function times(count: number, { time, exposed }: ReturnType<PassTime>) {
  return { time: count * time, exposed: count * exposed };
}

/** A token takes one reading of the planner's weights, whatever the batch. */
function decodeTime({ words, plannerBytes }: Workload, { memory }: Cluster): number {
  return (words * plannerBytes) / memory;
}

function judgeTime(work: Workload, { gpus, judges }: Layout): number {
  const pictures = gpus * work.tasksPerGpu * work.groupSize * (1 + work.fixShare);
  return (pictures * work.questionsPerPicture) / (judges * work.answersPerJudge);
}

function spread(values: readonly number[]): { readonly slowest: number; readonly waiting: number } {
  const slowest = Math.max(...values);
  return { slowest, waiting: slowest - values.reduce((sum, value) => sum + value, 0) / values.length };
}
