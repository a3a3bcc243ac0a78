/** What one `update` makes: everything that belongs to the next state. */
export interface Commit {
  /** The text that decides. It says which parts belong to it, in a way that only its owner knows. */
  readonly head: string;
  /** New parts by name. A name is used once: 1 to 64 characters of `a-z 0-9`. */
  readonly parts: ReadonlyMap<string, string>;
  /** The names of all parts that this head needs, new ones included. */
  readonly names: readonly string[];
}

/**
 * Keeps a document that may be large, and that several processes and windows share: a small head, and parts that never
 * change once they are written. A change writes new parts beside the old ones and then replaces the head, which is the
 * moment when it happens; until then, and after a crash, everything is as it was.
 * All methods throw SecretsError `storeFailed` or `storeBusy`; then nothing has changed.
 */
export interface TreeStore {
  /** Where the document is kept, for messages. */
  readonly path: string;
  /**
   * The head as it is now, changes by other processes included; `undefined` if there is none yet.
   * Returns the same string object while nothing has changed.
   * @param mayBeLate what others have written in the last 5 ms need not be in it. Then it is fast: every call asks.
   */
  read(mayBeLate?: boolean): string | undefined;
  /** A part by name; `undefined` if it is gone (the head was replaced twice since it was read). */
  part(name: string): string | undefined;
  /**
   * Replaces the head (and adds parts) by what `change` makes of the current head, with no other writer in between.
   * If `change` throws or returns `undefined`, everything stays as it is. The head before, and its parts, are kept as
   * the previous generation; parts that neither of the two needs are removed.
   */
  update(change: (head: string | undefined) => Promise<Commit | undefined>): Promise<void>;
  /** The head before the current one, if it is still there. */
  previous(): string | undefined;
  /**
   * All heads that are left anywhere: the current one, the one before, and those that were moved aside. One that cannot be read is
   * left out. Throws if it cannot be told what was moved aside: that may be sound, and who destroys it must know what it was.
   */
  heads(): string[];
  /** Moves everything aside, so that the store is empty, and says where to. Nothing is deleted. */
  archive(): Promise<string>;
  /** Deletes everything, the previous generation and copies elsewhere included. */
  destroy(): Promise<void>;
}
