import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { LaunchFolders } from './folders';
import type { VsCodeInstall } from './install';

/** A running VS Code server. */
export interface VsCodeServer {
  readonly port: number;
  /** Asks the server to end and resolves when it has; ends it by force after five seconds. */
  stop(): Promise<void>;
}

/** What a server is started with. */
export interface ServerOptions {
  readonly install: VsCodeInstall;
  readonly folders: LaunchFolders;
  /** The server's whole environment; the extension host inherits it. */
  readonly env: NodeJS.ProcessEnv;
  readonly trust: boolean;
}

const startLimitMs = 60_000;
const stopLimitMs = 5_000;

/**
 * Starts VS Code's server on a port of its own choice. Its output goes to `server.log` in the launch's root.
 * Rejects when it ends early or says nothing for a minute.
 */
export async function startServer({ install, folders, env, trust }: ServerOptions): Promise<VsCodeServer> {
  const args = [
    install.serverMain,
    ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
    ...['--server-data-dir', folders.dataDir, '--extensions-dir', folders.extensionsDir],
    ...['--disable-telemetry', '--enable-smoke-test-driver'],
    ...(trust ? ['--disable-workspace-trust'] : []),
  ];
  // A process group of its own: one signal then reaches the extension hosts and everything they started.
  const child = spawn(install.node, args, { env, cwd: folders.root, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(folders.root, 'server.log'));
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  try {
    return { port: await portOf(child), stop: () => stopServer(child) };
  } catch (error) {
    await stopServer(child);
    throw error;
  }
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('the VS Code server did not start within a minute'));
    }, startLimitMs);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const port = /Extension host agent listening on (\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the VS Code server ended with code ${String(code)}: ${output}`));
    });
  });
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const timer = setTimeout(() => {
      signalGroup(child, 'SIGKILL');
    }, stopLimitMs);
    signalGroup(child, 'SIGTERM');
    await ended;
    clearTimeout(timer);
  }
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended.
  }
}
