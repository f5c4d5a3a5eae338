/** What one module's update did. Means are over the update's samples. */
export interface ModuleReport {
  readonly loss: number;
  /** Approximate KL to the reference policy, nats (understanding) or per latent element (generation). */
  readonly kl: number;
  readonly clipFraction: number;
  /** Global gradient norm before clipping. */
  readonly gradientNorm: number;
  /** Largest |log-probability while sampling - log-probability when scored again|. */
  readonly rolloutGap: number;
  /** Largest |ratio - 1| in the first inner update; 0 on policy. */
  readonly firstRatioGap: number;
  readonly samples: number;
  /** Mean token entropy, nats; understanding only. */
  readonly entropy?: number;
  /** Set when the optimiser step was left out. */
  readonly skipped?: 'non-finite' | 'no-samples';
}

/** One iteration of the loop, as written to `metrics.jsonl`. */
export interface StepReport {
  readonly iteration: number;
  /** Mean reward per dimension as the policy sees it. */
  readonly rewards: Readonly<Record<string, number>>;
  /** Mean exact scores where an oracle exists, in [0, 1]; never trained on. */
  readonly oracle: Readonly<Record<string, number>>;
  /** Share of samples kept by the grouping of stage 0. */
  readonly keptShare: number;
  readonly chains: number;
  /** Counts of what was left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Share of reflections that asked for a fix. */
  readonly fixShare: number;
  /** What a guard of the judge counted, by name, where there is one. */
  readonly guard?: Readonly<Record<string, number>>;
  readonly understanding: ModuleReport | null;
  readonly generation: ModuleReport | null;
  /**
   * `sample`: wall clock until the chains are sampled and judged. `judge`: durations of the judge's calls, added up,
   * which run inside `sample` and may overlap there. `update`: wall clock of both updates. An iteration takes
   * `sample + update`.
   */
  readonly seconds: { readonly sample: number; readonly judge: number; readonly update: number };
}
