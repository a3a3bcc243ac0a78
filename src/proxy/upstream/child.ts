import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { SecretsError, reasonOf } from '../../shared/errors';
import { crossSpawn } from '../../shared/libraries';
import type { Channel } from './channel';
import { LineSplitter } from './lines';
import { ProcessGroup } from './processGroup';
import type { Watchdog } from './watchdog';

/** How long a child has to end by itself at each step: input closed, SIGTERM, SIGKILL. */
const GRACE_MS = 2_000;

/** What to start. */
export interface ChildCommand {
  readonly server: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The longest line that it may write, in bytes. */
  readonly maxLine: number;
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
export class Child implements Channel {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #command: ChildCommand;
  readonly #listener: ChildListener;
  readonly #group: ProcessGroup | undefined;
  readonly #closed: Promise<void>;
  #gone = false;
  #ending: Promise<void> | undefined;

  constructor(command: ChildCommand, listener: ChildListener, watchdog: Watchdog) {
    this.#command = command;
    this.#listener = listener;
    this.#process = crossSpawn()(command.command, [...command.args], {
      cwd: command.cwd,
      env: command.env,
      stdio: 'pipe',
      detached: process.platform !== 'win32',
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams;
    const { pid } = this.#process;
    if (pid !== undefined) this.#group = new ProcessGroup(pid, watchdog.guard(pid));
    this.#closed = new Promise((resolve) => {
      this.#process.once('close', () => {
        resolve();
      });
    });
    this.#followEnd();
    this.#process.stdin.on('error', () => undefined);
    this.#readLines();
    const decoder = new StringDecoder('utf8');
    this.#process.stderr.on('data', (chunk: Buffer) => {
      listener.diagnostics(decoder.write(chunk));
    });
  }

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
    this.#group?.signal('SIGKILL');
  }

  async #end(): Promise<void> {
    if (this.#gone || this.#group === undefined) return;
    this.#process.stdin.end();
    if (await this.#closesWithin(GRACE_MS)) return;
    this.#group.signal('SIGTERM');
    if (await this.#closesWithin(GRACE_MS)) return;
    this.#group.signal('SIGKILL');
    await this.#closesWithin(GRACE_MS);
  }

  async #closesWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false);
    });
    return Promise.race([this.#closed.then(() => true), late]).finally(() => {
      clearTimeout(timer);
    });
  }

  #followEnd(): void {
    let stragglers: NodeJS.Timeout | undefined;
    this.#process.on('error', (error) => {
      this.#leave(this.#startFailure(error));
    });
    this.#process.on('exit', () => {
      this.#group?.leaderEnded();
      this.#group?.signal('SIGTERM');
      // Whoever holds its output open, in the group or escaped from it, must not keep those waiting who wait for its end.
      stragglers = setTimeout(() => {
        this.#group?.signal('SIGKILL');
        this.#process.stdout.destroy();
        this.#process.stderr.destroy();
      }, GRACE_MS);
    });
    // "close" comes after the last output has been read; "exit" may come before.
    this.#process.on('close', (code, signal) => {
      clearTimeout(stragglers);
      this.#group?.signal('SIGKILL');
      const how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
      this.#leave(new SecretsError('childExited', { server: this.#command.server, how }));
    });
  }

  #leave(error: SecretsError): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#group?.signal('SIGKILL');
    this.#listener.gone(error);
  }

  #startFailure(error: unknown): SecretsError {
    const { server, command, cwd } = this.#command;
    const reason = reasonOf(error);
    if (reason !== 'ENOENT') return new SecretsError('commandFailed', { server, command, reason });
    return existsSync(cwd)
      ? new SecretsError('commandNotFound', { server, command })
      : new SecretsError('commandFailed', { server, command, reason: `the folder ${cwd} does not exist` });
  }

  #readLines(): void {
    const { server, maxLine } = this.#command;
    const splitter = new LineSplitter();
    this.#process.stdout.on('data', (chunk: Buffer) => {
      if (this.#gone) return;
      const lines = splitter.push(chunk);
      const tooLong = lines.findIndex((line) => line.length > maxLine);
      for (const line of tooLong < 0 ? lines : lines.slice(0, tooLong)) this.#listener.line(line);
      if (tooLong >= 0 || splitter.pending > maxLine) this.#leave(new SecretsError('upstreamTooLarge', { server, limit: maxLine }));
    });
  }
}
