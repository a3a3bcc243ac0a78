/** What a backup is locked with: a passphrase, or one or more age recipients (`age1…`). */
export type LockingKey = { readonly passphrase: Buffer } | { readonly recipients: readonly string[] };

/** What a backup is opened with: its passphrase, or the text of an age identity file (`AGE-SECRET-KEY-…`, comments allowed). */
export type OpeningKey = { readonly passphrase: Buffer } | { readonly identities: string };

/** The most recipients of one backup. */
export const MAX_RECIPIENTS = 20;
