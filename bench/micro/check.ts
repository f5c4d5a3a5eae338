import { tidy } from '@tensorflow/tfjs-core';
import { stackStates } from '@thinkrl/edit-generator';
import type { MicroTask } from '@thinkrl/microworld';
import type { Chain, Group } from '@thinkrl/spec';
import type { Contender } from './contender.ts';
import { keptChains, keptEdits, samplesForPeer } from './exchange.ts';
import type { Peer } from './peer.ts';
import { fromWire } from './wire.ts';

/** Largest absolute differences between both implementations on the same chains. */
export interface Agreement {
  /** Token log-probabilities, each side scoring whole chains at once, nats. */
  readonly tokens: number;
  /** Token log-probabilities, each side word by word through its cache, nats. */
  readonly cached: number;
  /** Velocities at every stochastic step. */
  readonly velocities: number;
  /** Log-probabilities of every stochastic transition, ours as recorded while sampling, nats per latent element. */
  readonly transitions: number;
  readonly tokenCount: number;
  readonly editCount: number;
}

/** Has both sides score the same chains, none left out. */
export async function agreement(
  contender: Contender,
  peer: Peer,
  chains: readonly Chain<MicroTask>[],
): Promise<Agreement> {
  const groups = wholeGroups(chains);
  const reply = await peer.ask('check', samplesForPeer(groups));
  const { policy, backbone } = contender.models;
  const batch = policy.prepare(
    keptChains(groups).map(({ chain }) => chain),
    1,
  );
  const { mask, sampled } = batch.layout;
  const scored = tidy(() => batch.score().logProbs.dataSync());
  const edits = keptEdits(groups).map(({ edit }) => edit);
  const { sigmas, stochastic } = edits[0]!.trajectory;
  const velocities = tidy(() => {
    const conditioning = backbone.encode(edits.map((edit) => edit.condition));
    return stochastic.map((step) =>
      backbone.velocity(stackStates(edits, step), sigmas[step]!, conditioning).dataSync(),
    );
  });
  const transitions = stochastic.flatMap((_, at) => edits.map((edit) => edit.trajectory.logProbs[at]!));
  return {
    tokens: gap(scored, fromWire(reply.tokens), mask),
    cached: gap(sampled, fromWire(reply.cached), mask),
    velocities: gap(
      velocities.flatMap((values) => [...values]),
      fromWire(reply.velocities),
    ),
    transitions: gap(transitions, fromWire(reply.transitions)),
    tokenCount: mask.reduce((sum, value) => sum + value, 0),
    editCount: edits.length,
  };
}

/** Groups in which every stage keeps every chain. */
export function wholeGroups(chains: readonly Chain<MicroTask>[]): readonly Group<MicroTask>[] {
  const tasks = [...new Set(chains.map((chain) => chain.task))];
  return tasks.map((task) => {
    const members = chains.filter((chain) => chain.task === task).map((chain) => ({ chain, stages: [] }));
    const stage = {
      method: 'all',
      advantages: members.map(() => 1),
      kept: [...members.keys()],
      degenerate: null,
    };
    return { task, members, credit: [stage, stage] };
  });
}

function gap(ours: ArrayLike<number>, theirs: ArrayLike<number>, mask?: ArrayLike<number>): number {
  if (ours.length !== theirs.length)
    throw new Error(`${ours.length} numbers here, ${theirs.length} of the peer`);
  let largest = 0;
  for (let i = 0; i < ours.length; i++)
    if (mask?.[i] !== 0) largest = Math.max(largest, Math.abs(ours[i]! - theirs[i]!));
  return largest;
}
