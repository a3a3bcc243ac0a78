import * as z from 'zod';
import type { BlobStore } from '../../shared/blobStore';
import { lazily } from '../../shared/lazily';

/** How often it is written at most. */
const WRITE_MS = 60_000;

const schema = lazily(() =>
  z.object({ tokens: z.array(z.tuple([z.string(), z.number()])), clients: z.array(z.tuple([z.string(), z.string()])) }),
);

interface Uses {
  /** When each token was last used, by its id; ms since the epoch. */
  readonly tokens: Map<string, number>;
  /** What each agent last said of itself. */
  readonly clients: Map<string, string>;
}

/**
 * When tokens were last used, and what their agents said of themselves. Only for people to see: nothing is decided by it.
 * Kept in memory, and written a minute later at most, so that a call costs nothing. What cannot be read or written is not known.
 */
export class AgentUses {
  readonly #store: BlobStore;
  readonly #lasts: (token: string) => boolean;
  readonly #news: Uses = { tokens: new Map(), clients: new Map() };
  #isNew = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param lasts tells whether there is still a lasting token with an id: of others nothing is written. */
  constructor(store: BlobStore, lasts: (token: string) => boolean) {
    this.#store = store;
    this.#lasts = lasts;
  }

  /** A token was used. @param now ms since the epoch. */
  used(token: string, now: number): void {
    this.#news.tokens.set(token, now);
    this.#writeSoon();
  }

  /** An agent said what it is. */
  claimed(agent: string, client: string): void {
    if (this.#news.clients.get(agent) === client) return;
    this.#news.clients.set(agent, client);
    this.#writeSoon();
  }

  /** All that is known, news of this process and of others. */
  read(): { readonly tokens: ReadonlyMap<string, number>; readonly clients: ReadonlyMap<string, string> } {
    try {
      return this.#merged(this.#store.read());
    } catch {
      return this.#news;
    }
  }

  /** Writes what is new. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isNew) return;
    this.#isNew = false;
    try {
      await this.#store.update((text) => {
        const { tokens, clients } = this.#merged(text);
        const known = [...tokens].filter(([id]) => this.#lasts(id));
        return Promise.resolve(JSON.stringify({ tokens: known, clients: [...clients] } satisfies z.infer<ReturnType<typeof schema>>));
      });
    } catch {
      // The next use is written again.
    }
  }

  #writeSoon(): void {
    this.#isNew = true;
    this.#timer ??= setTimeout(() => void this.flush(), WRITE_MS).unref();
  }

  #merged(text: string | undefined): Uses {
    const { tokens, clients } = parse(text);
    for (const [id, at] of this.#news.tokens) tokens.set(id, Math.max(at, tokens.get(id) ?? 0));
    for (const [agent, client] of this.#news.clients) clients.set(agent, client);
    return { tokens, clients };
  }
}

function parse(text: string | undefined): Uses {
  try {
    const { tokens, clients } = schema().parse(JSON.parse(text ?? ''));
    return { tokens: new Map(tokens), clients: new Map(clients) };
  } catch {
    return { tokens: new Map(), clients: new Map() };
  }
}
