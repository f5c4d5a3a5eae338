import type { StepReport } from '@thinkrl/spec';
import type { Output } from './output.ts';

/** One state of something long. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** Short figures, shown as they are. */
  readonly figures: readonly string[];
}

/** Shows progress: a bar drawn over itself on a terminal, else a line every few seconds. */
export interface ProgressBar {
  update(progress: Progress): void;
  /** Takes the bar away so that something else can be written. */
  clear(): void;
  /** Writes the last state for good. */
  finish(): void;
}

/** Options of {@link createProgressBar}. */
export interface ProgressOptions {
  readonly label: string;
  /** Done before this start; does not count for the time left. */
  readonly from: number;
  /** Seconds between lines where there is no terminal. */
  readonly quiet: number;
  /** Milliseconds since any moment. */
  readonly now: () => number;
}

/** Starts a progress bar. */
export function createProgressBar(output: Output, options: ProgressOptions): ProgressBar {
  const started = options.now();
  let shownAt = Number.NEGATIVE_INFINITY;
  let last: Progress | null = null;
  let written = true;
  const line = (progress: Progress) => {
    const seconds = (options.now() - started) / 1000;
    return progressLine(progress, { ...options, seconds, bar: output.live ? 20 : 0 });
  };
  const clear = () => {
    if (output.live) output.draw('\r\x1b[K');
  };
  const show = (progress: Progress) => {
    if (output.live) output.draw(`\r\x1b[K${line(progress).slice(0, output.columns - 1)}`);
    else output.note(line(progress));
    shownAt = options.now();
    written = true;
  };
  return {
    update(progress) {
      last = progress;
      written = false;
      if (output.live || options.now() - shownAt >= 1000 * options.quiet) show(progress);
    },
    clear,
    finish() {
      if (last === null) return;
      if (output.live) output.draw(`\r\x1b[K${line(last)}\n`);
      else if (!written) show(last);
      last = null;
    },
  };
}

interface LineOptions {
  readonly label: string;
  readonly from: number;
  readonly seconds: number;
  readonly bar: number;
}

function progressLine(
  { done, total, figures }: Progress,
  { label, from, seconds, bar }: LineOptions,
): string {
  const filled = Math.round((bar * done) / Math.max(1, total));
  const drawn = bar > 0 ? `[${'='.repeat(filled)}${' '.repeat(bar - filled)}] ` : '';
  const left = done > from ? (seconds / (done - from)) * (total - done) : null;
  const time = left === null ? '' : `  ETA ${clock(left)}`;
  return `${label} ${drawn}${done}/${total}${time}${figures.map((figure) => `  ${figure}`).join('')}`;
}

/**
 * Seconds as m:ss, or h:mm:ss from an hour on.
 *
 * @example
 * clock(125); // '2:05'
 */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** The figures of a training iteration: chains/s, mean reward, kept share, KL of both modules. */
export function stepFigures(report: StepReport): readonly string[] {
  const { sample, update } = report.seconds;
  const rewards = Object.values(report.rewards);
  const reward = rewards.reduce((sum, value) => sum + value, 0) / Math.max(1, rewards.length);
  const kl = [report.understanding, report.generation].flatMap((module) =>
    module === null ? [] : [module.kl],
  );
  return [
    `${(report.chains / Math.max(1e-9, sample + update)).toFixed(1)} chains/s`,
    `reward ${reward.toFixed(3)}`,
    `kept ${(100 * report.keptShare).toFixed(0)} %`,
    ...(kl.length > 0 ? [`KL ${kl.map((value) => value.toPrecision(2)).join(' ')}`] : []),
  ];
}
