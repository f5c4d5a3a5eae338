import type { RunEvent } from '@thinkrl/recipes';
import type { Output } from './output.ts';
import { createProgressBar, type Progress, type ProgressBar, stepFigures } from './progress.ts';
import { inPercent, scoreLines } from './score-lines.ts';

/** Shows the events of a run. */
export interface Watch {
  readonly onEvent: (event: RunEvent) => void;
  /** Writes a line beside the progress. */
  aside(text: string): void;
  /** Ends the progress. */
  finish(): void;
}

/** Starts to show the events of a run: records with `--json`, else a progress bar and short lines. */
export function watch(output: Output, now: () => number = () => performance.now()): Watch {
  let bar: ProgressBar | null = null;
  let label = '';
  const advance = (name: string, progress: Progress) => {
    if (bar === null || label !== name) {
      bar?.finish();
      bar = createProgressBar(output, { label: name, from: progress.done, quiet: 5, now });
      label = name;
    }
    bar.update(progress);
  };
  const aside = (text: string) => {
    bar?.clear();
    output.note(text);
  };
  const onEvent = (event: RunEvent) => {
    output.record(event);
    if (event.type === 'step') {
      const { report, iterations } = event;
      advance('train', { done: report.iteration, total: iterations, figures: stepFigures(report) });
      return;
    }
    if (event.type === 'pretraining') {
      const figures = Object.entries(event.losses).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
      advance(event.part, { done: event.step, total: event.steps, figures });
      return;
    }
    if (event.type === 'evaluation') bar?.finish();
    const text = describe(event);
    if (text !== null) aside(text);
  };
  return { onEvent, aside, finish: () => bar?.finish() };
}

/** An event that is no progress in a line, or null for one that the end of the command tells. */
function describe(event: Exclude<RunEvent, { type: 'step' | 'pretraining' }>): string | null {
  switch (event.type) {
    case 'notice':
      return event.text;
    case 'engine': {
      const { name, version, device, threads } = event.engine;
      return `engine: ${name} ${version} on ${device}, ${threads} threads`;
    }
    case 'folder':
      return `run: ${event.path}${event.resumedFrom > 0 ? `, going on after iteration ${event.resumedFrom}` : ''}`;
    case 'evaluation': {
      const { tasks, scores } = event.evaluation;
      return scoreLines({ [`${event.when}, ${event.split}, ${tasks} tasks`]: inPercent(scores) }).join('');
    }
    default:
      return null;
  }
}
