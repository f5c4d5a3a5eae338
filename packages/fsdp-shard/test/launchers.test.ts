import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@thinkrl/engine';
import { expect, it } from 'vitest';
import { differences, ending } from './ranks/launch.ts';
import { runPlain } from './ranks/plain-run.ts';
import type { Outcome, Plan } from './ranks/plan.ts';

// THINKRL_TORCHRUN names a torchrun of the PyTorch that the addon was built against; two hosts also need root and iproute2.
const torchrun = process.env.THINKRL_TORCHRUN;
const twoHosts = process.env.THINKRL_TWO_HOSTS !== undefined;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const plan: Plan = { steps: 5 };
const launcher = here('../../cli/bin/thinkrl.mjs');
// Debian's torchrun 1.13 takes redirections only spelled out.
const redirects = ['-r', '0:1,1:1', '-t', '0:1,1:1'];

function rankCommand(): { readonly words: readonly string[]; readonly file: (rank: number) => string } {
  const out = join(mkdtempSync(join(tmpdir(), 'thinkrl-launchers-')), '%r.json');
  const script = here('ranks/sharded-rank.ts');
  const words = [
    'node',
    '--import',
    'tsx',
    '--conditions=@thinkrl/source',
    script,
    JSON.stringify([plan]),
    out,
  ];
  return { words, file: (rank) => out.replace('%r', `${rank}`) };
}

async function trainsAsOne(start: (words: readonly string[]) => ChildProcess): Promise<void> {
  const { words, file } = rankCommand();
  const { code, errors } = await ending(start(words));
  expect(code, errors).toBe(0);
  await useEngine({ engine: 'torch', threads: 1 });
  const alone = await runPlain(plan, 2);
  for (const rank of [0, 1]) {
    const [outcome] = JSON.parse(readFileSync(file(rank), 'utf8')) as Outcome[];
    expect(differences(outcome!, alone).parameters).toBeLessThan(1e-6);
  }
}

const run = (program: string, args: readonly string[]) =>
  spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });

it.skipIf(torchrun === undefined)(
  'torchrun starts the ranks of one machine',
  () =>
    trainsAsOne((words) =>
      run(torchrun!, ['--standalone', '--nproc_per_node', '2', ...redirects, '--no_python', ...words]),
    ),
  120_000,
);

it.skipIf(torchrun === undefined || !twoHosts)(
  'torchrun starts a rank on each of two hosts',
  () =>
    trainsAsOne((words) => {
      const place = ['--master_addr', '{address}', '--master_port', '{port}'];
      const job = [
        '--nnodes',
        '2',
        '--node_rank',
        '{node}',
        '--nproc_per_node',
        '1',
        ...place,
        '-r',
        '0:1',
        '-t',
        '0:1',
      ];
      return run(here('two-hosts.sh'), [torchrun!, ...job, '--no_python', ...words]);
    }),
  120_000,
);

it.skipIf(!twoHosts)(
  'thinkrl launch starts a rank on each of two hosts',
  () =>
    trainsAsOne((words) => {
      const job = ['--nnodes', '2', '--node-rank', '{node}', '--address', '{address}', '--port', '{port}'];
      return run(here('two-hosts.sh'), [process.execPath, launcher, 'launch', ...job, '--', ...words]);
    }),
  120_000,
);
