import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { at } from './workspace.mjs';

const file = at('.cache', 'setup', 'lock');

/** A process id with the kernel's start time, where there is one: ids are used again. */
function identify(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return { pid, start: stat.slice(stat.lastIndexOf(')')).split(' ')[20] };
  } catch {
    return { pid, start: null };
  }
}

function isAlive({ pid, start }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return start === null || identify(pid).start === start;
}

const record = (children) => JSON.stringify([process.pid, ...children].map(identify));

function readHolder() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function tryTake() {
  try {
    writeFileSync(file, record([]), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Removes the lock of a set-up that is gone, commands it left behind included. An unreadable lock gets 3 seconds. */
async function clearStale(waitedSince) {
  const holder = readHolder();
  if (holder === null ? Date.now() - waitedSince < 3000 : holder.some(isAlive)) return;
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/**
 * Takes the set-up lock of this checkout, waiting for a set-up that is already running.
 *
 * Returns `{ note(pids), release() }`; `note` records the commands in progress, so that a set-up killed while its
 * compiler or package manager still runs is not doubled.
 */
export async function takeLock(say) {
  mkdirSync(at('.cache', 'setup'), { recursive: true });
  const since = Date.now();
  let told = false;
  while (!tryTake()) {
    await clearStale(since);
    const holder = readHolder();
    if (holder !== null && !told) {
      say(`waiting for another set-up (process ${holder[0].pid})`);
      told = true;
    }
    await sleep(200);
  }
  const release = () => {
    if (readHolder()?.[0].pid === process.pid) rmSync(file, { force: true });
  };
  process.on('exit', release);
  const note = (children) => writeFileSync(file, record(children));
  return { note, release };
}
