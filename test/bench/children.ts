import { spawn } from 'node:child_process';
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Readable, Writable } from 'node:stream';

/** A started process with its three streams piped. */
export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const readyMilliseconds = 20_000;
const stopMilliseconds = 3_000;

/**
 * Every process the bench starts, each leading a process group of its own, so that all can be ended with
 * their descendants, on success, failure and Ctrl-C alike.
 */
export class Children {
  readonly #running = new Set<ChildProcess>();

  /** Starts `node` with these arguments. What it writes to stderr is kept for `failure` only. */
  start(args: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {}): Child {
    const child = spawn(process.execPath, args, {
      ...options,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    this.adopt(child);
    child.stdin.on('error', () => undefined); // It may end before it has read: its exit tells.
    return child;
  }

  /** Sees to the end of a process that someone else started. */
  adopt(child: ChildProcess): void {
    this.#running.add(child);
    child.once('exit', () => {
      this.#running.delete(child);
    });
  }

  /** Runs `node` to its end with `input` on stdin. Rejects with what it said on stderr unless it exits with 0. */
  async run(args: readonly string[], input: string, env: NodeJS.ProcessEnv): Promise<void> {
    const child = this.start(args, { env });
    child.stdout.resume();
    const said = errorsOf(child);
    child.stdin.end(input);
    const code = await exit(child);
    if (code !== 0) {
      throw new Error(`${args.join(' ')} exited with ${String(code)}: ${said()}`);
    }
  }

  /** Asks a process to end, makes it end after 3 s, and ends whatever it left behind in its group. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
      const timer = setTimeout(() => {
        killGroup(child);
      }, stopMilliseconds);
      const exited = exit(child);
      child.kill('SIGTERM');
      await exited;
      clearTimeout(timer);
    }
    killGroup(child);
  }

  /** Ends all that still run. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => this.stop(child)));
  }

  /** Ends all at once, for an exit handler, which cannot wait. */
  killAll(): void {
    for (const child of this.#running) {
      killGroup(child);
    }
  }
}

/** The first line a process prints. Rejects if it ends or 20 s pass before that. Later output is discarded. */
export function firstLine(child: Child): Promise<string> {
  const said = errorsOf(child);
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => {
      reject(new Error(`not ready within ${String(readyMilliseconds)} ms: ${said()}`));
    }, readyMilliseconds);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.includes('\n')) {
        return;
      }
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) {
        clearTimeout(timer);
        resolve(text.slice(0, end));
      }
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`exited with ${String(code)} before it was ready: ${said()}`));
    });
  });
}

/** Waits until something accepts connections on the port of 127.0.0.1. Rejects if the process ends first. */
export async function listening(child: Child, port: number): Promise<void> {
  const said = errorsOf(child);
  child.stdout.resume();
  const deadline = performance.now() + readyMilliseconds;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`nothing listens on port ${String(port)}: ${said()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The most memory a process ever held, in megabytes (VmHWM), or `undefined` where /proc is not there. */
export function peakMegabytes(child: ChildProcess): number | undefined {
  try {
    const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8');
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** Keeps reading what a process says on stderr (it must not block on a full pipe) and gives the last of it. */
function errorsOf(child: Child): () => string {
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-2000)));
  return () => text.trim();
}

function exit(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('exit', resolve);
    child.once('error', reject);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) {
    return;
  }
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // It is gone already, which is what was wanted.
  }
}
