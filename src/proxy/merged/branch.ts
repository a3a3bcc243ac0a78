import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock';
import { isSecretsError, messageOf, SecretsError } from '../../shared/errors';
import { objectAt, reasonIn, stringAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import { ALL_KINDS, KINDS } from './catalog';
import type { Item, Kind } from './catalog';
import type { Heard, Listener, Outer } from './exchange';
import { Line } from './line';
import type { LineOptions } from './line';
import { Mentions } from './mentions';
import { ServerLists } from './serverLists';

/** How long a failed server is left alone at first; twice as long after each further failure, up to `MAX_REST_MS`. */
const REST_MS = 10_000;
const MAX_REST_MS = 300_000;
/** Between the end of a stream and the next one. */
const PAUSE_MS = 1_000;

/** Who belongs to a branch. */
export interface BranchListener {
  /** Something that the server said of itself; `outer` if it came with the answer to this. */
  heard(branch: Branch, heard: Heard, outer: Outer | undefined): void;
  /** One of its lists is there, or is another one than before. */
  listed(branch: Branch, kind: Kind): void;
  /** It has failed. */
  failed(branch: Branch, why: string): void;
}

/** What a branch needs. */
export interface BranchOptions extends LineOptions {
  readonly agent: string;
  readonly server: string;
  readonly clock: Clock;
  /** The params of the agent's own handshake: each server is told the same. */
  readonly hello: unknown;
  readonly listener: BranchListener;
  /** What the agent has set that a server has to be told again: log level, subscriptions. */
  readonly settings: (branch: Branch) => readonly { readonly method: string; readonly params: unknown }[];
}

/**
 * One server's part of an agent's session with all servers. Opens by itself; a line that has come to its end (the server was
 * restarted, its plan changed) is replaced by a new one at the next request, which then has what the agent had set.
 */
export class Branch {
  readonly server: string;
  readonly mentions = new Mentions();
  readonly #options: BranchOptions;
  readonly #lists: ServerLists;
  #phase: 'opening' | 'open' | 'failed' | 'ended' = 'opening';
  #failure: string | undefined;
  #failures = 0;
  #retryAt = 0;
  /** The line that is open, or is being opened. */
  #line: Line | undefined;
  #ready: Promise<Line> | undefined;
  #complete: Promise<unknown> = Promise.resolve();
  #capabilities: Readonly<Record<string, unknown>> = {};
  #instructions: string | undefined;
  #ids = 0;

  constructor(options: BranchOptions) {
    const { server, clock, listener } = options;
    this.server = server;
    this.#options = options;
    this.#lists = new ServerLists({
      server,
      clock,
      ask: async (method, params) => (await this.ask(method, params))?.message,
      listed: (kind, items) => {
        this.#learn(kind, items);
        listener.listed(this, kind);
      },
    });
  }

  get capabilities(): Readonly<Record<string, unknown>> {
    return this.#capabilities;
  }

  get instructions(): string | undefined {
    return this.#instructions;
  }

  /** Whether the handshake is done. */
  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Why it is not there, in words; `undefined` when it is. */
  get problem(): string | undefined {
    if (this.#phase === 'opening') return `Server "${this.server}" has not answered yet. It joins when it does.`;
    return this.#phase === 'failed' ? this.#failure : this.#lists.problem;
  }

  /** Whether it has failed and has rested for long enough. */
  get mayRetry(): boolean {
    return this.#phase === 'failed' && this.#options.clock.steady() >= this.#retryAt;
  }

  /** A list as it was last seen; `undefined` if it never was. */
  list(kind: Kind): readonly Item[] | undefined {
    return this.#lists.get(kind);
  }

  /** Opens it, and reads its lists. Settles when all of that has come to an end, good or bad. */
  async open(): Promise<void> {
    await this.#open().catch(() => undefined);
    await this.#complete;
  }

  /** Looks again at a list that was read before this time (as `Clock.steady`). */
  refresh(kind: Kind, before = Infinity): void {
    if (this.isOpen && this.#has(kind) && this.#lists.readAt(kind) < before) void this.#lists.read(kind);
  }

  /**
   * Sends a request, on a new line if the old one is at its end.
   * @param outer what the agent asked; without it the request is the proxy's own.
   * @returns the answer; `undefined` if it was cancelled. @throws SecretsError when the server cannot be used.
   */
  async request(request: Request, outer?: Outer): Promise<Heard | undefined> {
    const listener = this.#listener(outer);
    const line = await this.#open();
    try {
      return await line.request(request, listener, outer);
    } catch (error) {
      if (!isSecretsError(error, 'sessionUnknown') || outer?.reply.ended === true) throw error;
      this.#drop(line);
      return (await this.#open()).request(request, listener, outer);
    }
  }

  /** Asks something of its own. @throws SecretsError as `request`. */
  ask(method: string, params: unknown): Promise<Heard | undefined> {
    return this.request(this.#own(method, params));
  }

  /** Sends a notification or an answer, if the server is there. */
  async send(message: Message): Promise<void> {
    if (this.isOpen) await this.#line?.send(message).catch(() => undefined);
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#phase = 'ended';
    await this.#line?.end();
  }

  #open(): Promise<Line> {
    if (this.#isEnded()) return Promise.reject(new SecretsError('sessionUnknown', {}));
    return (this.#ready ??= this.#begin());
  }

  async #begin(): Promise<Line> {
    const line = new Line(this.#options.agent, this.server, this.#options);
    this.#line = line;
    try {
      await this.#greet(line);
      if (this.#isEnded()) throw new SecretsError('sessionUnknown', {});
    } catch (error) {
      this.#drop(line);
      this.#fail(error);
      throw error;
    }
    this.#phase = 'open';
    this.#failures = 0;
    for (const { method, params } of this.#options.settings(this))
      void line.request(this.#own(method, params), this.#listener()).catch(() => undefined);
    void this.#listen(line);
    this.#complete = Promise.all(ALL_KINDS.filter((kind) => this.#has(kind)).map((kind) => this.#lists.read(kind)));
    return line;
  }

  async #greet(line: Line): Promise<void> {
    const answer = await line.initialize(this.#own('initialize', this.#options.hello), this.#listener());
    const { error, result } = answer?.message ?? {};
    if (answer === undefined || error !== undefined)
      throw new SecretsError('handshakeFailed', { server: this.server, why: reasonIn(error) });
    this.#capabilities = objectAt(result, 'capabilities') ?? {};
    this.#instructions = stringAt(result, 'instructions');
    await line.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  #fail(error: unknown): void {
    if (this.#isEnded()) return;
    this.#phase = 'failed';
    this.#failure = messageOf(error);
    this.#retryAt = this.#options.clock.steady() + Math.min(MAX_REST_MS, REST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#options.listener.failed(this, this.#failure);
  }

  /** A line is at its end: the next request gets another one. */
  #drop(line: Line): void {
    void line.end();
    if (this.#line !== line) return;
    this.#line = undefined;
    this.#ready = undefined;
  }

  /** Hears what the server says unasked, for as long as the line is there. A server may end a stream at any time. */
  async #listen(line: Line): Promise<void> {
    for (;;) {
      const streamed = await line.listen(this.#listener()).catch(() => false);
      if (!streamed) return;
      await sleep(PAUSE_MS, undefined, { ref: false });
      if (this.#line !== line || this.#isEnded()) return;
      // What was said meanwhile is not known.
      for (const kind of ALL_KINDS) this.refresh(kind);
    }
  }

  #listener(outer?: Outer): Listener {
    return (heard) => {
      const changed = CHANGES.get(heard.message.method ?? '');
      if (changed === undefined) this.#options.listener.heard(this, heard, outer);
      else for (const kind of changed) this.refresh(kind);
    };
  }

  /** Tools speak of pages of theirs that are not always listed. */
  #learn(kind: Kind, items: readonly Item[]): void {
    if (kind === 'tools') for (const { _meta } of items) this.mentions.learn(_meta);
  }

  #has(kind: Kind): boolean {
    return this.#capabilities[KINDS[kind].capability] !== undefined;
  }

  /** Ours; the agent does not see their answers. */
  #own(method: string, params: unknown): Request {
    this.#ids += 1;
    return { jsonrpc: '2.0', id: `mcp-secrets/${String(this.#ids)}`, method, params };
  }

  /** Asked again after each wait. */
  #isEnded(): boolean {
    return this.#phase === 'ended';
  }
}

const CHANGES: ReadonlyMap<string, readonly Kind[]> = new Map<string, readonly Kind[]>([
  ['notifications/tools/list_changed', ['tools']],
  ['notifications/prompts/list_changed', ['prompts']],
  ['notifications/resources/list_changed', ['resources', 'resourceTemplates']],
]);
