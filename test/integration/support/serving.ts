import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

interface Announcement {
  readonly url: string;
  readonly socket: string;
  readonly token: string;
  readonly pid: number;
}

/** A running `mcp-secrets serve`. */
export class Serving {
  readonly url: string;
  readonly port: number;
  readonly socket: string;
  readonly token: string;
  readonly pid: number;
  /** Everything on its standard output. */
  readonly stdout: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #logs: string[];
  readonly #exited: Promise<number | null>;

  private constructor(child: ChildProcessWithoutNullStreams, line: string, logs: string[], exited: Promise<number | null>) {
    const announcement = JSON.parse(line) as Announcement;
    this.url = announcement.url;
    this.port = Number(new URL(announcement.url).port);
    this.socket = announcement.socket;
    this.token = announcement.token;
    this.pid = announcement.pid;
    this.stdout = line;
    this.#process = child;
    this.#logs = logs;
    this.#exited = exited;
  }

  /** Waits until it says where it listens. */
  static async start(child: ChildProcessWithoutNullStreams): Promise<Serving> {
    const logs: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => logs.push(text));
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    let output = '';
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('\n')) resolve(output);
      });
      void exited.then((code) => {
        reject(new Error(`serve ended with ${String(code)}: ${logs.join('')}`));
      });
    });
    return new Serving(child, line, logs, exited);
  }

  /** Where a server is. */
  at(server: string): URL {
    return new URL(`/mcp/${server}`, this.url);
  }

  /** Its standard error so far. */
  get logs(): string {
    return this.#logs.join('');
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.#process.exitCode === null) this.#process.kill(signal);
    return this.#exited;
  }

  /** Ends it as a service manager would. It must go in peace. */
  async stop(): Promise<void> {
    assert.equal(await this.end(), 0, this.logs);
  }
}
