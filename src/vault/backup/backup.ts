import type { Clock } from '../../shared/clock';
import { SecretsError } from '../../shared/errors';
import type { SecretSnapshot } from '../secret';
import type { Problem } from './age';
import { eraseValues, formatDocument, MAX_DOCUMENT_BYTES, parseDocument } from './document';
import type { Backup } from './document';
import { LEAST_PASSPHRASE_BYTES } from '../passphrase';
import { MAX_RECIPIENTS } from './key';
import type { LockingKey, OpeningKey } from './key';

/** The most bytes that the file of a backup may have: what is inside, as ASCII armor. */
export const MAX_BACKUP_BYTES = 1.5 * MAX_DOCUMENT_BYTES;

/** What goes into a backup, and how it is locked. */
export interface ToBackUp {
  /** All versions of the secrets. The values are overwritten with zeros in any case. */
  readonly snapshots: readonly SecretSnapshot[];
  /** The text of the servers file; empty if there is none. */
  readonly serversFile: string;
  /** The name of the workspace folder, without its path. */
  readonly workspace: string;
  readonly clock: Clock;
  readonly key: LockingKey;
}

/**
 * Makes a backup: one age file, binary form (https://age-encryption.org/v1), that `age -d` opens.
 * @throws SecretsError `passphraseShort`, `recipientInvalid`, `backupFailed`.
 */
export async function createBackup({ snapshots, serversFile, workspace, clock, key }: ToBackUp): Promise<Uint8Array> {
  let plaintext: Buffer | undefined;
  try {
    checkKey(key);
    plaintext = formatDocument({ createdAt: clock.now(), workspace, secrets: snapshots, serversFile });
    const { encrypt } = await import('./age');
    return bytesOf(await encrypt(plaintext, key));
  } finally {
    plaintext?.fill(0);
    eraseValues(snapshots);
  }
}

/**
 * Opens a backup, binary or ASCII armored, made here or by `age`. The caller overwrites its values with `eraseValues`.
 * @throws SecretsError `backupWrongKey`, `backupUnreadable`, `backupNewer`, `identityInvalid`.
 */
export async function readBackup(file: Uint8Array, key: OpeningKey): Promise<Backup> {
  refuseHuge(file);
  const { decrypt } = await import('./age');
  const plaintext = bytesOf(await decrypt(file, key));
  try {
    return parseDocument(plaintext);
  } finally {
    plaintext.fill(0);
  }
}

/** What opens a backup, by what its header says. @throws SecretsError `backupUnreadable` if it is no age file. */
export async function backupKeyKind(file: Uint8Array): Promise<'passphrase' | 'identity'> {
  refuseHuge(file);
  const { keyKindOf } = await import('./age');
  const kind = keyKindOf(file);
  return typeof kind === 'string' ? kind : fail(kind);
}

function refuseHuge(file: Uint8Array): void {
  if (file.length > MAX_BACKUP_BYTES) throw new SecretsError('backupUnreadable', { why: 'it is too large' });
}

function checkKey(key: LockingKey): void {
  if ('passphrase' in key) {
    if (key.passphrase.length < LEAST_PASSPHRASE_BYTES) throw new SecretsError('passphraseShort', { least: LEAST_PASSPHRASE_BYTES });
    return;
  }
  const count = key.recipients.length;
  if (count === 0 || count > MAX_RECIPIENTS) {
    throw new SecretsError('backupFailed', { why: `it takes 1 to ${String(MAX_RECIPIENTS)} recipients, and ${String(count)} were given` });
  }
  for (const [index, recipient] of key.recipients.entries()) {
    const why = whyNoRecipient(recipient);
    if (why !== undefined) throw new SecretsError('recipientInvalid', { number: index + 1, why });
  }
}

/** The usual mistakes. What was given is not repeated: it may be the secret half of a key. */
function whyNoRecipient(recipient: string): string | undefined {
  if (recipient.startsWith('age1')) return undefined;
  if (/^AGE-(?:SECRET-KEY|PLUGIN)-/i.test(recipient))
    return 'it is an identity, the half to keep secret; "age-keygen -y" prints its recipient';
  if (/^(?:ssh|ecdsa|sk)-/.test(recipient)) return 'SSH keys are not supported; "age-keygen" makes a key that is';
  return 'a recipient begins with "age1"';
}

function bytesOf(result: Uint8Array | Problem): Uint8Array {
  return result instanceof Uint8Array ? result : fail(result);
}

function fail(found: Problem): never {
  switch (found.problem) {
    case 'recipient':
      throw new SecretsError('recipientInvalid', { number: found.number, why: 'it is mistyped, or needs a plugin' });
    case 'identity':
      throw new SecretsError('identityInvalid', { why: `line ${String(found.line)} is no "AGE-SECRET-KEY-…"` });
    case 'noIdentity':
      throw new SecretsError('identityInvalid', { why: 'it holds none' });
    case 'wrongKey':
      throw new SecretsError('backupWrongKey', {});
    case 'notAge':
      throw new SecretsError('backupUnreadable', { why: 'it is no age file' });
    case 'damaged':
      throw new SecretsError('backupUnreadable', { why: 'it was changed or cut off, or asks for absurdly much work' });
  }
}
