import { spawn } from 'node:child_process';
import { freePort } from '@thinkrl/engine';

/** Runs a program as every rank of a world on this machine, a thread each; the last line that rank 0 prints. */
export async function lastLineOfFirst(
  [program, ...args]: readonly string[],
  worldSize: number,
): Promise<string> {
  const port = await freePort();
  const world = {
    WORLD_SIZE: `${worldSize}`,
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: `${port}`,
    OMP_NUM_THREADS: '1',
  };
  const outputs = Array.from({ length: worldSize }, (_, rank) => {
    const env = { ...process.env, ...world, RANK: `${rank}`, LOCAL_RANK: `${rank}` };
    const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    return new Promise<string>((resolve, reject) =>
      child.on('close', (code) =>
        code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}`)),
      ),
    );
  });
  const [first] = await Promise.all(outputs);
  return first!.trim().split('\n').at(-1)!;
}
