import { median } from '../median.ts';

/** What one side did in one round. */
export interface Round {
  /** Seconds of the roll-out and of both updates. */
  readonly rollout: number;
  readonly understanding: number;
  readonly generation: number;
  readonly planWords: number;
  readonly reflectionWords: number;
  readonly fixShare: number;
}

/** Chains per second of one side: all chains of an iteration over the median time. */
export interface Speed {
  readonly rollout: number;
  readonly understanding: number;
  readonly generation: number;
  readonly update: number;
  readonly iteration: number;
}

/** Arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Speeds of one side from its rounds of `chains` chains each. */
export function speedOf(rounds: readonly Round[], chains: number): Speed {
  const of = (seconds: (round: Round) => number) => chains / median(rounds.map(seconds));
  return {
    rollout: of((round) => round.rollout),
    understanding: of((round) => round.understanding),
    generation: of((round) => round.generation),
    update: of((round) => round.understanding + round.generation),
    iteration: of((round) => round.rollout + round.understanding + round.generation),
  };
}

/** A Markdown table of both sides' speeds and what their chains looked like. */
export function tableOf(ours: readonly Round[], peers: readonly Round[], chains: number): string {
  const [mine, theirs] = [speedOf(ours, chains), speedOf(peers, chains)];
  const rows = (Object.keys(mine) as (keyof Speed)[]).map(
    (name) =>
      `| ${name}, chains/s | ${mine[name].toFixed(1)} | ${theirs[name].toFixed(1)} | ${(mine[name] / theirs[name]).toFixed(2)} |`,
  );
  const looks = (['planWords', 'reflectionWords', 'fixShare'] as const).map((name) => {
    const [a, b] = [ours, peers].map((rounds) => mean(rounds.map((round) => round[name])));
    return `| mean ${name} | ${a!.toFixed(2)} | ${b!.toFixed(2)} | |`;
  });
  return ['| | thinkrl | PyTorch | ratio |', '|---|---|---|---|', ...rows, ...looks].join('\n');
}
