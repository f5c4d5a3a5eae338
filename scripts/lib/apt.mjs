import { capture, run } from './command.mjs';

const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' } };

/** The words to put before an apt command (`[]` for root, `['sudo', '-n']`), or null where apt cannot be used. */
export async function aptPrefix() {
  if ((await capture('apt-get', ['--version'])).status !== 0) return null;
  if (process.getuid?.() === 0) return [];
  return (await capture('sudo', ['-n', 'true'])).status === 0
    ? ['sudo', '-n', 'DEBIAN_FRONTEND=noninteractive']
    : null;
}

/** Installs Debian packages; mends a dpkg that was killed half way. Throws a CommandError with apt's own words. */
export async function aptInstall(prefix, packages, onStart) {
  const call = (words) => {
    const [command, ...args] = [...prefix, ...words];
    return run(command, args, { ...quiet, onStart });
  };
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await call(['apt-get', 'update', '-q', ...wait]);
  const install = () =>
    call(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...wait, ...packages]);
  try {
    await install();
  } catch (error) {
    if (!/dpkg --configure -a/.test(error.output ?? '')) throw error;
    await call(['dpkg', '--configure', '-a']);
    await install();
  }
}
