import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../shared/clock';
import { messageOf } from '../../shared/errors';
import type { Message } from '../jsonRpc';
import { ALL_KINDS, KINDS } from './catalog';
import type { Item, Kind } from './catalog';
import { wholeList } from './pages';

/** Between two looks at a list that changes all the time. */
const PAUSE_MS = 1_000;

/** What the lists of a server need. */
export interface ServerListsOptions {
  readonly server: string;
  readonly clock: Clock;
  /** Asks the server. @throws SecretsError */
  readonly ask: (method: string, params: unknown) => Promise<Message | undefined>;
  /** A list is there, or is another one than before. */
  readonly listed: (kind: Kind, items: readonly Item[]) => void;
}

/** What one server lists, as it was last read. */
export class ServerLists {
  readonly #options: ServerListsOptions;
  readonly #lists = new Map<Kind, { readonly items: readonly Item[]; readonly text: string; readonly at: number }>();
  /** Those that are being read, and whether they have changed meanwhile. */
  readonly #reads = new Map<Kind, { readonly done: Promise<void>; again: boolean }>();
  /** Why a list could not be read. */
  readonly #problems = new Map<Kind, string>();

  constructor(options: ServerListsOptions) {
    this.#options = options;
  }

  /** A list as it was last seen; `undefined` if it never was. */
  get(kind: Kind): readonly Item[] | undefined {
    return this.#lists.get(kind)?.items;
  }

  /** Why a list is not there, in words. */
  get problem(): string | undefined {
    const [unread] = this.#problems.values();
    if (unread !== undefined) return unread;
    const late = ALL_KINDS.find((kind) => this.#reads.has(kind) && !this.#lists.has(kind));
    return late === undefined ? undefined : `Server "${this.#options.server}" has not listed its ${late} yet. They join when it does.`;
  }

  /** When a list was last read, as `Clock.steady`; 0 if never. */
  readAt(kind: Kind): number {
    return this.#lists.get(kind)?.at ?? 0;
  }

  /** Reads a list; once more afterwards, if it is being read already. Never rejects. */
  read(kind: Kind): Promise<void> {
    const running = this.#reads.get(kind);
    if (running !== undefined) {
      running.again = true;
      return running.done;
    }
    const read = { done: this.#read(kind), again: false };
    this.#reads.set(kind, read);
    void read.done.then(() => {
      this.#reads.delete(kind);
      if (read.again) void sleep(PAUSE_MS, undefined, { ref: false }).then(() => this.read(kind));
    });
    return read.done;
  }

  async #read(kind: Kind): Promise<void> {
    const { server, ask } = this.#options;
    try {
      const items = await wholeList(server, kind, (cursor) => ask(KINDS[kind].method, cursor === undefined ? {} : { cursor }));
      this.#problems.delete(kind);
      this.#keep(kind, items);
    } catch (error) {
      // The others may work. What was listed before may be what is still there.
      this.#problems.set(kind, messageOf(error));
      if (!this.#lists.has(kind)) this.#keep(kind, []);
    }
  }

  #keep(kind: Kind, items: readonly Item[]): void {
    const text = JSON.stringify(items);
    const before = this.#lists.get(kind)?.text;
    this.#lists.set(kind, { items, text, at: this.#options.clock.steady() });
    if (before !== text) this.#options.listed(kind, items);
  }
}
