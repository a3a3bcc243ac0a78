import { spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import spawn from 'cross-spawn';
import { SecretsError, reasonOf } from '../../shared/errors';
import { MAX_MESSAGE_BYTES } from './body';

/** How long a child has to end by itself at each step: input closed, SIGTERM, SIGKILL. */
const GRACE_MS = 2_000;

/** What to start. */
export interface ChildCommand {
  readonly server: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Who listens to a child. */
export interface ChildListener {
  /** A line of its standard output, without the line break. */
  line(text: string): void;
  /** A piece of its standard error, cut anywhere. */
  diagnostics(text: string): void;
  /** It is gone, or could not be started. Called once. */
  gone(error: SecretsError): void;
}

/**
 * A child process that speaks in lines, in a process group of its own so that whatever it starts ends with it.
 * Not the SDK's stdio transport: that one checks and rebuilds each message, and ends the child but not its children.
 */
export class Child {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #command: ChildCommand;
  #gone = false;
  #ending: Promise<void> | undefined;

  constructor(command: ChildCommand, listener: ChildListener) {
    this.#command = command;
    this.#process = spawn(command.command, [...command.args], {
      cwd: command.cwd,
      env: command.env,
      stdio: 'pipe',
      detached: process.platform !== 'win32',
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams;
    const leave = (error: SecretsError): void => {
      if (this.#gone) return;
      this.#gone = true;
      this.#killTree('SIGKILL');
      listener.gone(error);
    };
    this.#process.on('error', (error) => {
      leave(this.#startFailure(error));
    });
    // "close" comes after the last output has been read; "exit" may come before.
    this.#process.on('close', (code, signal) => {
      leave(
        new SecretsError('childExited', {
          server: command.server,
          how: signal === null ? `exit code ${String(code)}` : `signal ${signal}`,
        }),
      );
    });
    this.#process.on('exit', () => {
      this.#killTree('SIGTERM');
    });
    this.#process.stdin.on('error', () => undefined);
    this.#readLines(listener, leave);
    const decoder = new StringDecoder('utf8');
    this.#process.stderr.on('data', (chunk: Buffer) => {
      listener.diagnostics(decoder.write(chunk));
    });
  }

  /** Whether it can still be spoken to. */
  get alive(): boolean {
    return !this.#gone && this.#ending === undefined;
  }

  /** Its process id; `undefined` if it could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Sends a line. JSON text has no line breaks of its own once it is on one line. */
  send(json: string): void {
    if (this.#process.stdin.writable) this.#process.stdin.write(`${json}\n`);
  }

  /** Ends it and everything it started: its input is closed, then SIGTERM, then SIGKILL (MCP 2025-11-25, lifecycle, stdio shutdown). */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Ends it and everything it started without a word, at once. */
  kill(): void {
    this.#ending ??= Promise.resolve();
    this.#killTree('SIGKILL');
  }

  async #end(): Promise<void> {
    if (this.#gone || this.#process.pid === undefined) return;
    const closed = new Promise<void>((resolve) =>
      this.#process.once('close', () => {
        resolve();
      }),
    );
    const within = (ms: number): Promise<boolean> => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>(
        (resolve) =>
          (timer = setTimeout(() => {
            resolve(false);
          }, ms)),
      );
      return Promise.race([closed.then(() => true), late]).finally(() => {
        clearTimeout(timer);
      });
    };
    this.#process.stdin.end();
    if (await within(GRACE_MS)) return;
    this.#killTree('SIGTERM');
    if (await within(GRACE_MS)) return;
    this.#killTree('SIGKILL');
    await within(GRACE_MS);
  }

  #killTree(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true });
      else process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }

  #startFailure(error: unknown): SecretsError {
    const { server, command, cwd } = this.#command;
    const reason = reasonOf(error);
    if (reason !== 'ENOENT') return new SecretsError('commandFailed', { server, command, reason });
    return existsSync(cwd)
      ? new SecretsError('commandNotFound', { server, command })
      : new SecretsError('commandFailed', { server, command, reason: `the folder ${cwd} does not exist` });
  }

  #readLines(listener: ChildListener, leave: (error: SecretsError) => void): void {
    let parts: Buffer[] = [];
    let size = 0;
    this.#process.stdout.on('data', (chunk: Buffer) => {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const piece = chunk.subarray(start, end);
        const line = (parts.length === 0 ? piece : Buffer.concat([...parts, piece])).toString();
        parts = [];
        size = 0;
        start = end + 1;
        if (line.trim() !== '') listener.line(line);
      }
      if (start === chunk.length) return;
      parts.push(chunk.subarray(start));
      size += chunk.length - start;
      if (size > MAX_MESSAGE_BYTES) leave(new SecretsError('upstreamTooLarge', { server: this.#command.server, limit: MAX_MESSAGE_BYTES }));
    });
  }
}
