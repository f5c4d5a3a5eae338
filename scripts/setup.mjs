#!/usr/bin/env node
// Makes the checkout ready to run: pnpm, dependencies, libtorch, the native addon, the build.
// Finished steps are skipped; a run that was killed is taken up where it stood.
import { pathToFileURL } from 'node:url';
import { CommandError, runningPids, signalAll, tail } from './lib/command.mjs';
import { takeLock } from './lib/lock.mjs';
import { steps } from './lib/steps.mjs';
import { at } from './lib/workspace.mjs';

/** A set-up step that cannot go on; the message says what to do. */
function explain(step, error) {
  console.error(`set-up failed at: ${step.title}`);
  if (error instanceof CommandError)
    console.error(`${error.message}; its last lines:\n${tail(error.output)}`);
  else console.error(error.code === undefined ? error.stack : error.message);
  console.error('mend this and run the same command again: finished steps are kept');
}

/** Until the returned function is called, Ctrl-C and SIGTERM end the commands in progress and this process. */
function stopOnSignals() {
  const stop = (signal) => {
    signalAll(signal);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return () => process.off('SIGINT', stop).off('SIGTERM', stop);
}

/**
 * Runs every step that is not finished. Resolves to an exit status: 0, or 1 after saying what went wrong.
 *
 * `requireTorch` makes a missing torch engine a failure instead of a notice; `types: false` builds only what it takes to
 * run.
 */
export async function setUp({ requireTorch = false, types = true } = {}) {
  const say = (line) => console.error(`set-up: ${line}`);
  const lock = await takeLock(say);
  const unhook = stopOnSignals();
  const context = { say, requireTorch, types, onStart: () => lock.note(runningPids()) };
  try {
    for (const step of steps) {
      const plan = await Promise.resolve(step.plan(context)).catch((error) => ({ error }));
      if (plan === null) continue;
      const start = performance.now();
      try {
        if (plan.error) throw plan.error;
        say(step.title);
        await plan.act();
        const seconds = (performance.now() - start) / 1000;
        if (seconds >= 2) say(`${step.title}: done in ${seconds.toFixed(0)} s`);
      } catch (error) {
        explain(step, error);
        return 1;
      }
    }
    return 0;
  } finally {
    lock.release();
    unhook();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? at('none')).href)
  process.exit(await setUp({ requireTorch: process.argv.includes('--require-torch') }));
