import { spawn } from 'node:child_process';
import { environment, root } from './workspace.mjs';

/** A command that failed: its line, exit status and the last lines it printed. */
export class CommandError extends Error {
  constructor({ line, status, output }) {
    super(`${line} ended with ${status}`);
    this.name = 'CommandError';
    this.status = status;
    this.output = output;
  }
}

const running = new Set();

/** Process ids of the commands in progress. */
export const runningPids = () => [...running].map((child) => child.pid);

/** Passes a signal on to every command in progress. */
export function signalAll(signal) {
  for (const child of running) child.kill(signal);
}

/**
 * Runs a command and collects what it prints (stdout and stderr together).
 *
 * `onStart` is called with the child's process id. Resolves to `{ status, output }`, never rejects for a status.
 */
export function capture(command, args, { cwd = root, env = {}, onStart, echo = false } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    onStart?.(child.pid);
    let output = '';
    const collect = (chunk) => {
      output += chunk;
      if (echo) process.stderr.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const finish = (status) => {
      running.delete(child);
      done({ status, output });
    };
    child.on('error', (error) => finish(error.code === 'ENOENT' ? 127 : error.message));
    child.on('close', (code, signal) => finish(code ?? signal));
  });
}

/** Like {@link capture}, but throws a {@link CommandError} unless the command ends with 0. Resolves to its output. */
export async function run(command, args, options) {
  const { status, output } = await capture(command, args, options);
  if (status !== 0) throw new CommandError({ line: [command, ...args].join(' '), status, output });
  return output;
}

/** Runs a command on this terminal; Ctrl-C reaches it directly. Resolves to its exit status. */
export function attach(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
    const forward = (signal) => child.kill(signal);
    const ignore = () => {};
    process.on('SIGINT', ignore).on('SIGTERM', forward);
    child.on('error', (error) => {
      console.error(error.message);
      done(1);
    });
    child.on('close', (code, signal) => {
      process.off('SIGINT', ignore).off('SIGTERM', forward);
      done(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

/** The last `count` non-empty lines of a text, indented. */
export function tail(text, count = 20) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-count)
    .map((line) => `  ${line}`)
    .join('\n');
}
