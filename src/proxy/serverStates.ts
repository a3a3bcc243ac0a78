import { Emitter } from '../shared/disposable';
import type { Disposable } from '../shared/disposable';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { Sessions } from './front/sessions';

/** What a server is doing. `idle`: nobody uses it. */
export interface ServerStatus {
  readonly state: 'idle' | 'running' | 'failed' | 'stopped';
  /** Open sessions. */
  readonly sessions: number;
  /** Why it failed, in words; with `failed` only. */
  readonly error?: string;
  /** The last lines of its standard error, if its process has ended by itself; without the values of its secrets. */
  readonly said?: readonly string[];
  /** It failed so often that calls are refused until then: ms since the epoch. */
  readonly restsUntil?: number;
}

/** Remembers how each server is doing, for views. */
export class ServerStates implements Disposable {
  readonly #sessions: Sessions;
  readonly #emitter = new Emitter<string>();
  readonly onDidChange = this.#emitter.event;
  readonly #stopped = new Set<string>();
  readonly #failures = new Map<string, SecretsError>();
  readonly #answering = new Set<string>();
  /** What servers said before their processes ended. */
  readonly #said = new Map<string, readonly string[]>();
  readonly #restsUntil: (server: string) => number | undefined;
  /** What was last told of each server, so that news are news. */
  readonly #told = new Map<string, string>();

  /** @param restsUntil until when calls to a server are refused, because it fails. */
  constructor(sessions: Sessions, restsUntil: (server: string) => number | undefined = () => undefined) {
    this.#sessions = sessions;
    this.#restsUntil = restsUntil;
  }

  get(server: string): ServerStatus {
    const sessions = this.#sessions.of(server).length;
    if (this.#stopped.has(server)) return { state: 'stopped', sessions };
    const error = this.#failures.get(server);
    if (error !== undefined) {
      const said = this.#said.get(server);
      const restsUntil = this.#restsUntil(server);
      return {
        state: 'failed',
        sessions,
        error: error.message,
        ...(said === undefined ? {} : { said }),
        ...(restsUntil === undefined ? {} : { restsUntil }),
      };
    }
    return { state: sessions > 0 || this.#answering.has(server) ? 'running' : 'idle', sessions };
  }

  /** Why it failed, if it did. */
  failure(server: string): SecretsError | undefined {
    return this.#failures.get(server);
  }

  /** @throws SecretsError `serverStopped`. */
  refuseStopped(server: string): void {
    if (this.#stopped.has(server)) throw new SecretsError('serverStopped', { server });
  }

  stop(server: string): void {
    this.#stopped.add(server);
    this.#forget(server);
    this.#answering.delete(server);
    this.changed(server);
  }

  allow(server: string): void {
    this.#stopped.delete(server);
    this.#forget(server);
    this.changed(server);
  }

  /** It has answered. */
  answered(server: string): void {
    if (this.#answering.has(server) && !this.#failures.has(server)) return;
    this.#forget(server);
    this.#answering.add(server);
    this.changed(server);
  }

  /** It could not be used, if that is what the error says: not every error is the server's. */
  failed(server: string, error: unknown): void {
    if (isSecretsError(error) && FAILURES.has(error.kind)) {
      this.#failures.set(server, error);
      this.#answering.delete(server);
    }
    this.changed(server);
  }

  /** Its process has ended by itself. @param said its last words. */
  crashed(server: string, error: SecretsError, said: readonly string[]): void {
    if (said.length > 0) this.#said.set(server, [...said]);
    this.failed(server, error);
  }

  /** Fires if the status is another one than when it last fired. */
  changed(server: string): void {
    const { state, sessions, error, said, restsUntil } = this.get(server);
    const now = `${state} ${String(sessions)} ${String(restsUntil)} ${error ?? ''} ${said?.join('\n') ?? ''}`;
    if (this.#told.get(server) === now) return;
    this.#told.set(server, now);
    this.#emitter.fire(server);
  }

  /** Secrets were changed: what failed for want of one may work now. */
  secretsChanged(): void {
    for (const [server, { kind }] of [...this.#failures]) {
      if (!SECRET_FAILURES.has(kind)) continue;
      this.#failures.delete(server);
      this.changed(server);
    }
  }

  /** Forgets which servers were in use. */
  reset(): void {
    const known = new Set([...this.#answering, ...this.#failures.keys()]);
    this.#answering.clear();
    this.#failures.clear();
    this.#said.clear();
    for (const server of known) this.changed(server);
  }

  #forget(server: string): void {
    this.#failures.delete(server);
    this.#said.delete(server);
  }

  dispose(): void {
    this.#emitter.dispose();
  }
}

const SECRET_FAILURES: ReadonlySet<string> = new Set(['secretMissing', 'secretUnreadable', 'secretUnsendable', 'secretExpired']);

const FAILURES: ReadonlySet<string> = new Set([
  ...SECRET_FAILURES, 'upstreamUnreachable', 'upstreamTimeout', 'upstreamNonsense', 'upstreamRefused', 'upstreamStatus', 'upstreamRedirect', 'upstreamTooLarge',
  'upstreamClosed', 'commandNotFound', 'commandFailed', 'childExited', 'callTooLong',
]); // prettier-ignore
