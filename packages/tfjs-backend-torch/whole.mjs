import { existsSync, readFileSync, statSync } from 'node:fs';

/** Whether a file of the build is as long as when it was made, by the size at the end of its `.key` file. */
export function isWhole(output) {
  if (!existsSync(output) || !existsSync(`${output}.key`)) return false;
  return readFileSync(`${output}.key`, 'utf8').split(' ')[1] === String(statSync(output).size);
}
