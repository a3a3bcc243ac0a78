import type { AuditKey, AuditKeys } from './keys';
import { NO_KEY } from './sealedLine';

/** Keys at hand, for what cannot wait for them. */
export class KeyRing {
  readonly #keys: AuditKeys;
  readonly #known = new Map<string, AuditKey | undefined>();
  #current: AuditKey | undefined;
  #asked = 0;
  /** Which of the questions for the current key was answered last. */
  #answered = 0;

  constructor(keys: AuditKeys) {
    this.#keys = keys;
  }

  /** The key for new entries, as of the last `refresh` or `fetch`. */
  get current(): AuditKey | undefined {
    return this.#current;
  }

  /** Asks which key is current, and forgets which ones could not be had. */
  async refresh(): Promise<void> {
    for (const [id, key] of this.#known) if (key === undefined) this.#known.delete(id);
    await this.#askForCurrent();
  }

  /** Asks for a key, so that `has` is true of it. That others have used one may mean that it is current by now. */
  async fetch(id: string): Promise<void> {
    this.#known.set(id, await this.#keys.byId(id));
    await this.#askForCurrent();
  }

  /** Of two answers the one counts that was asked for later, whichever comes first. */
  async #askForCurrent(): Promise<void> {
    const asked = (this.#asked += 1);
    const current = await this.#keys.current();
    if (asked < this.#answered) return;
    this.#answered = asked;
    this.#current = current;
    if (current !== undefined) this.#known.set(current.id, current);
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
