/**
 * Keeps one text document that several processes and windows share.
 * Both methods throw SecretsError `storeFailed` or `storeBusy`; then nothing has changed.
 */
export interface BlobStore {
  /**
   * The document as it is now, changes by other processes included; `undefined` if there is none yet.
   * Returns the same string object while nothing has changed.
   * @param mayBeLate what others have written in the last 5 ms need not be in it. Then it is fast: every call asks.
   */
  read(mayBeLate?: boolean): string | undefined;
  /**
   * Replaces the document by what `change` makes of the current one, atomically and with no other writer
   * in between. If `change` throws or returns `undefined`, the document stays as it is.
   */
  update(change: (current: string | undefined) => Promise<string | undefined>): Promise<void>;
}
