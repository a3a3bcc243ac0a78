import type { AuditKey, AuditKeys } from './keys';
import { NO_KEY } from './sealedLine';

/** Keys at hand, for what cannot wait for them. */
export class KeyRing {
  readonly #keys: AuditKeys;
  readonly #known = new Map<string, AuditKey | undefined>();
  #current: AuditKey | undefined;

  constructor(keys: AuditKeys) {
    this.#keys = keys;
  }

  /** The key for new entries, as of the last `refresh`. */
  get current(): AuditKey | undefined {
    return this.#current;
  }

  /** Asks which key is current, and forgets which ones could not be had. */
  async refresh(): Promise<void> {
    for (const [id, key] of this.#known) if (key === undefined) this.#known.delete(id);
    this.#current = await this.#keys.current();
    if (this.#current !== undefined) this.#known.set(this.#current.id, this.#current);
  }

  /** Asks for a key, so that `has` is true of it. */
  async fetch(id: string): Promise<void> {
    this.#known.set(id, await this.#keys.byId(id));
  }

  /** Counts a key as one that cannot be had, until the next `refresh`. */
  giveUp(id: string): void {
    this.#known.set(id, undefined);
  }

  /** Whether `get` knows what to say. */
  has(id: string): boolean {
    return id === NO_KEY || this.#known.has(id);
  }

  /** The key with this id; `undefined` for NO_KEY, and for one that cannot be had. */
  get(id: string): AuditKey | undefined {
    return this.#known.get(id);
  }

  /** Whether lines that name this key can be checked: with that key, or without any. */
  canCheck(id: string): boolean {
    return id === NO_KEY || this.#known.get(id) !== undefined;
  }
}
