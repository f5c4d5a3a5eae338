import { createServer } from 'node:net';

/**
 * A port of this machine's loopback on which nobody listens, for a world whose ranks are all started here.
 *
 * @example
 * const where = { worldSize: 2, masterAddress: '127.0.0.1', masterPort: await freePort() };
 */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
