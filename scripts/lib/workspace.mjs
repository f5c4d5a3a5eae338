import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the checkout. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** An absolute path inside the checkout. */
export const at = (...parts) => join(root, ...parts);

/** The top `package.json`. */
export const manifest = JSON.parse(readFileSync(at('package.json'), 'utf8'));

/** The folder that holds pnpm, private to this checkout. */
export const tools = at('.tools');

/** The environment of every command the scripts start: our pnpm first on the PATH, nothing that phones home. */
export function environment() {
  const path = [join(tools, 'node_modules', '.bin'), at('node_modules', '.bin'), process.env.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  );
  return {
    ...process.env,
    PATH: path,
    CI: process.env.CI ?? '1',
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    ONNXRUNTIME_NODE_INSTALL_CUDA: 'skip',
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  };
}
