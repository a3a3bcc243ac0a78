import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listening } from './children';
import type { Child, Children } from './children';
import type { Endpoint } from './session';
import { benchFolder } from './workplace';

/** The peers that are compared against, at the versions that are compared against. */
export const peerVersions = { 'mcp-proxy': '6.7.19', supergateway: '4.0.0' } as const;

/**
 * Puts the peers into `.bench/node_modules`, unless they are there at these versions already. Throws with
 * what npm said if it cannot.
 */
export function installPeers(say: (line: string) => void): void {
  if (Object.entries(peerVersions).every(([name, version]) => installedVersion(name) === version)) {
    return;
  }
  say('installing the peers into .bench');
  mkdirSync(benchFolder, { recursive: true });
  const manifest = { name: 'mcp-secrets-bench-peers', private: true, dependencies: peerVersions };
  writeFileSync(join(benchFolder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: benchFolder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    throw new Error(`npm could not install the peers: ${npm.error?.message ?? npm.stderr}`);
  }
}

/** A peer that is up. */
export interface RunningPeer {
  readonly child: Child;
  readonly endpoint: Endpoint;
}

/**
 * mcp-proxy from stdio to Streamable HTTP, stripped to what the comparison needs: only the stream transport,
 * only 2025-era clients, no replay store. It runs one upstream child for all sessions.
 */
export function startMcpProxy(children: Children, upstream: readonly string[]): Promise<RunningPeer> {
  return startOnFreePort(children, (port) => [
    join(benchFolder, 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs'),
    ...['--host', '127.0.0.1', '--port', String(port)],
    ...['--server', 'stream', '--no-modern', '--no-eventStore'],
    '--',
    process.execPath,
    ...upstream,
  ]);
}

/** mcp-proxy from HTTP to Streamable HTTP through its library, as stripped as `startMcpProxy`. */
export function startMcpProxyHttp(children: Children, program: string, upstreamUrl: string): Promise<RunningPeer> {
  return startOnFreePort(children, (port) => [program, upstreamUrl, String(port)]);
}

/**
 * supergateway from stdio to Streamable HTTP with sessions (without them it starts a child per request),
 * and without its log of every message.
 */
export function startSupergateway(children: Children, upstream: readonly string[]): Promise<RunningPeer> {
  // It takes the upstream as one shell command.
  const command = [process.execPath, ...upstream].map((part) => `"${part}"`).join(' ');
  return startOnFreePort(children, (port) => [
    join(benchFolder, 'node_modules/supergateway/dist/index.js'),
    ...['--stdio', command, '--outputTransport', 'streamableHttp', '--stateful'],
    ...['--logLevel', 'none', '--port', String(port)],
  ]);
}

async function startOnFreePort(children: Children, args: (port: number) => string[]): Promise<RunningPeer> {
  const port = await freePort();
  const child = children.start(args(port));
  await listening(child, port);
  return { child, endpoint: { url: `http://127.0.0.1:${String(port)}/mcp`, headers: {} } };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

function installedVersion(name: string): string | undefined {
  try {
    const manifest = readFileSync(join(benchFolder, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
