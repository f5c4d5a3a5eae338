import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EditTask, type Group, type Image, type JudgedChain, stageEdits } from '@thinkrl/spec';
import { ReportError } from './error.ts';
import type { ChainRecord, ChainsFile, GroupRecord, StageRecord } from './record.ts';
import { writeWhole } from './write-whole.ts';

/** Why a chain is in or out of its group's update; `explain` of `@thinkrl/ucpg` gives it. */
export interface Outcome {
  readonly reason: string;
  readonly text: string;
  /** Chains that the reward dimensions do not order against this one. */
  readonly conflicts: readonly number[];
  /** Chains with equal rewards. */
  readonly equal: readonly number[];
}

/** Options of {@link writeChains}. */
export interface WriteChainsOptions<Task extends EditTask> {
  /** Iteration that sampled the chains; 0 is before training. */
  readonly iteration: number;
  /** Names of the reward dimensions. */
  readonly dimensions: readonly string[];
  /** A picture as PNG bytes. */
  readonly encode: (image: Image) => Uint8Array;
  /** The right answer's picture, where the world knows it. */
  readonly truth?: (task: Task) => Image | null;
  /** Why each member is in or out, in the order of the members. */
  readonly explain?: (group: Group<Task>) => readonly Outcome[];
  /**
   * Where a task comes from.
   * @defaultValue `train`
   */
  readonly split?: (task: Task) => string;
}

/**
 * Writes groups of judged chains to `chains/step-N.json` of a run folder, with their pictures beside in
 * `chains/step-N/`. The JSON is written last, aside and renamed, so that it is there whole or not at all.
 *
 * Resolves to the path of the JSON.
 *
 * @throws ReportError when the folder cannot be written.
 */
export async function writeChains<Task extends EditTask>(
  runDirectory: string,
  groups: readonly Group<Task>[],
  options: WriteChainsOptions<Task>,
): Promise<string> {
  const step = `step-${options.iteration}`;
  const folder = join(runDirectory, 'chains');
  const path = join(folder, `${step}.json`);
  const album = new Album(step, options.encode);
  const file: ChainsFile = {
    version: 1,
    iteration: options.iteration,
    dimensions: [...options.dimensions],
    groups: groups.map((group, i) => recordGroup(group, `${i}`, { album, options })),
  };
  try {
    await mkdir(join(folder, step), { recursive: true });
    await Promise.all([...album.pictures].map(([name, bytes]) => writeFile(join(folder, name), bytes)));
  } catch (cause) {
    throw new ReportError(path, `cannot be written: ${(cause as Error).message}`, { cause });
  }
  await writeWhole(path, JSON.stringify(file));
  return path;
}

/** Encodes every picture once and hands out its path. */
class Album {
  readonly pictures = new Map<string, Uint8Array>();
  private readonly paths = new Map<Image, string>();
  private readonly folder: string;
  private readonly encode: (image: Image) => Uint8Array;

  constructor(folder: string, encode: (image: Image) => Uint8Array) {
    this.folder = folder;
    this.encode = encode;
  }

  add(name: string, image: Image): string {
    const known = this.paths.get(image);
    if (known !== undefined) return known;
    const path = `${this.folder}/${name}.png`;
    this.paths.set(image, path);
    this.pictures.set(path, this.encode(image));
    return path;
  }
}

interface Recording<Task extends EditTask> {
  readonly album: Album;
  readonly options: WriteChainsOptions<Task>;
}

function recordGroup<Task extends EditTask>(
  group: Group<Task>,
  name: string,
  { album, options }: Recording<Task>,
): GroupRecord {
  const { task } = group;
  const truth = options.truth?.(task) ?? null;
  const outcomes = options.explain?.(group);
  return {
    task: {
      id: task.id,
      instruction: task.instruction,
      category: task.category,
      split: options.split?.(task) ?? 'train',
      questions: task.checklist?.questions.map(({ id, text, expected }) => ({ id, text, expected })) ?? [],
      pictures: {
        reference: album.add(`${name}-reference`, task.references[0]!),
        ...(truth === null ? {} : { truth: album.add(`${name}-truth`, truth) }),
      },
    },
    degenerate: group.credit[0]?.degenerate ?? null,
    chains: group.members.map((member, i) => ({
      ...recordThoughts(member),
      stages: recordStages(member, `${name}-${i}`, album),
      credit: recordCredit(group, i),
      outcome: recordOutcome(group, i, outcomes?.[i]),
    })),
  };
}

function recordThoughts({ chain }: JudgedChain): Pick<ChainRecord, 'index' | 'plan' | 'reflections'> {
  const { index, plan, rounds } = chain;
  return {
    index,
    plan: plan === null ? null : { text: plan.text, wellFormed: plan.wellFormed },
    reflections: rounds.map(({ reflection: { text, wellFormed, verdict } }) => ({
      text,
      wellFormed,
      verdict,
    })),
  };
}

function recordStages({ chain, stages }: JudgedChain, name: string, album: Album): StageRecord[] {
  const edits = stageEdits(chain);
  return stages.map(({ rewards, answers, unjudged, oracle }, stage) => ({
    picture: album.add(`${name}-${stage}`, edits[stage]!.image),
    rewards: [...rewards],
    answers: answers.map((answer) => ({ ...answer })),
    ...(unjudged === undefined ? {} : { unjudged }),
    ...(oracle === undefined ? {} : { oracle }),
  }));
}

function recordCredit({ credit }: Group, i: number): ChainRecord['credit'] {
  return credit.map(({ method, advantages, kept }) => ({
    method,
    advantage: advantages[i]!,
    rank: kept.includes(i) ? kept.indexOf(i) : null,
    of: kept.length,
  }));
}

function recordOutcome({ credit }: Group, i: number, outcome: Outcome | undefined): ChainRecord['outcome'] {
  const kept = credit[0]?.kept.includes(i) ?? false;
  if (outcome === undefined) return { kept, reason: kept ? 'kept' : 'left out', text: '', against: [] };
  const { reason, text, conflicts, equal } = outcome;
  return { kept, reason, text, against: kept ? [] : [...conflicts, ...equal] };
}
