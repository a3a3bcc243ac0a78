import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { ListenOptions, Socket } from 'node:net';
import { dirname } from 'node:path';
import { SecretsError, reasonOf } from '../../shared/errors';
import { readBody } from './body';
import { Connection } from './connection';
import type { Host } from './connection';
import type { AgentRequest } from './request';
import type { Response } from './response';

/** Answers a request of an agent. Never throws. */
export type Handler = (request: AgentRequest, response: Response) => void;

/** Something that listens. */
export interface Listener {
  /** The port, if it listens on one; else 0. */
  readonly port: number;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/** An address, never the name `localhost`, which can mean another one. */
const LOOPBACK = '127.0.0.1';

/** Listens on TCP, on 127.0.0.1 only. @param port 0 lets the system choose. @throws SecretsError `listenFailed`. */
export async function listenOnPort(port: number, handler: Handler): Promise<Listener> {
  try {
    return await listen({ host: LOOPBACK, port }, handler);
  } catch (error) {
    throw new SecretsError('listenFailed', { where: `${LOOPBACK}:${String(port)}`, reason: reasonOf(error) });
  }
}

/**
 * Listens on a unix socket (0600 in a 0700 folder of this user) or a Windows named pipe. A socket that a dead process
 * left behind is replaced. @throws SecretsError `listenFailed`.
 */
export async function listenOnSocket(path: string, handler: Handler): Promise<Listener> {
  try {
    if (process.platform === 'win32') return await listen({ path }, handler);
    ownFolder(dirname(path));
    if (await isAnswering(path)) throw new SecretsError('listenFailed', { where: path, reason: 'another process uses it' });
    rmSync(path, { force: true });
    const listener = await listen({ path }, handler);
    chmodSync(path, 0o600);
    return listener;
  } catch (error) {
    if (error instanceof SecretsError) throw error;
    throw new SecretsError('listenFailed', { where: path, reason: reasonOf(error) });
  }
}

/** The folder must be this user's alone: in a shared temp folder somebody else could have made it first. */
function ownFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.()) {
    throw new SecretsError('listenFailed', { where: folder, reason: 'the folder belongs to somebody else' });
  }
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700);
}

function isAnswering(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => {
      resolve(false);
    });
  });
}

/**
 * What one connection may take of us. An agent may take its time between calls, but not with a request: whoever is slower
 * than this is cut off (408), at the latest five seconds after. docs/security.md has these numbers too.
 */
const LIMITS = {
  keepAliveTimeout: 60_000,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};

/** Connections that one listener holds at a time; more are closed at once. */
const MAX_CONNECTIONS = 1_024;

function listen(options: ListenOptions, handler: Handler): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ ...LIMITS, noDelay: true }, (incoming, response) => {
      const { method = '', url = '', headers } = incoming;
      endWith(incoming.socket, response);
      handler({ method, url, headers, body: () => readBody(incoming) }, response);
    });
    server.maxConnections = MAX_CONNECTIONS;
    // Node drops headers beyond a count without a word, Host and Origin too. Their size is limited anyway.
    server.maxHeadersCount = 0;
    const fast = inFront(server, handler);
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        close: () => {
          fast.close();
          return closed(server);
        },
      });
    });
  });
}

/** Node closes only the answer whose turn it is when a connection ends: those that wait behind it end here. */
function endWith(socket: Socket, response: ServerResponse): void {
  let over = false;
  const end = (): void => {
    if (over) return;
    response.destroy();
    response.emit('close');
  };
  socket.setMaxListeners(0).once('close', end);
  response.once('close', () => {
    over = true;
    socket.off('close', end);
  });
}

/** Lets every new connection be ours first (see `Connection`). The server keeps its limits for those that are handed over to it. */
function inFront(server: Server, handle: Handler): { readonly close: () => void } {
  const connections = new Set<Connection>();
  const [toNode] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const host: Host = {
    keepAliveSeconds: LIMITS.keepAliveTimeout / 1000,
    firstSeconds: LIMITS.headersTimeout / 1000,
    handle,
    handOver: (socket) => toNode?.call(server, socket),
    gone: (connection) => connections.delete(connection),
  };
  server.on('connection', (socket: Socket) => connections.add(new Connection(socket, host)));
  const tending = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) connection.tend(now);
  }, LIMITS.connectionsCheckingInterval).unref();
  return {
    close: () => {
      clearInterval(tending);
      for (const connection of connections) connection.destroy();
    },
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
