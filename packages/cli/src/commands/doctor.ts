import { diagnoseEngine } from '@thinkrl/engine';
import type { Command } from '../command.ts';

/** `thinkrl doctor`: what this machine has and what it lacks. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'show the engine, what it runs on, and what is missing',
  options: {},
  takesSettings: false,
  positionals: [],
  async run({ output }) {
    const found = await diagnoseEngine();
    output.record({ type: 'end', node: process.versions.node, ...found });
    output.say(`node      ${process.versions.node} on ${process.platform} ${process.arch}`);
    output.say(`engine    ${found.engine}`);
    output.say(
      `libtorch  ${found.libtorch ?? 'not usable'}${found.origin === undefined ? '' : ` (${found.origin})`}`,
    );
    if (found.blas !== undefined) output.say(`blas      ${found.blas}`);
    output.say(`device    ${found.device}, ${found.threads} threads`);
    output.say(
      `cuda      ${found.cuda ? 'yes' : 'no'}${found.cudaVersion === undefined ? '' : ` (libtorch has CUDA ${found.cudaVersion})`}`,
    );
    for (const line of found.missing) output.say(`missing   ${line}`);
    return 0;
  },
};
