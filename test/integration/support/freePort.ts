import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long another program may have a port that was ours before. */
const TAKEN_MS = 10_000;

/** Listens on 127.0.0.1: on a port of its own choice if it is 0, else on that one, as soon as nobody else has it. @returns the port. */
export async function listen(server: Server, port: number): Promise<number> {
  for (const end = Date.now() + TAKEN_MS; ;) {
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || Date.now() >= end) throw error;
      await sleep(100);
    }
  }
}

/** A TCP port on 127.0.0.1 where nobody listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
