import { armor, Decrypter, Encrypter } from 'age-encryption';
import type { LockingKey, OpeningKey } from './key';
import { PassphraseIdentity, PassphraseRecipient } from './passphrase';

// This becomes a bundle of its own (dist/age.js), loaded when a backup is made or read. SecretsError would be another class
// in there, so what goes wrong is returned.

/** Why a file could not be encrypted or decrypted. */
export type Problem =
  | { readonly problem: 'recipient'; /** Which one, from 1. */ readonly number: number }
  | { readonly problem: 'identity'; /** The line of the identity file, from 1. */ readonly line: number }
  | { readonly problem: 'noIdentity' | 'wrongKey' | 'notAge' | 'damaged' };

/** What a header may take. Each recipient in it costs whoever opens the file time. */
const MAX_HEADER_BYTES = 64 * 1024;
const INTRO = 'age-encryption.org/v1\n';

/** Encrypts to an age file, binary form. */
export async function encrypt(plaintext: Uint8Array, key: LockingKey): Promise<Uint8Array | Problem> {
  const encrypter = new Encrypter();
  if ('passphrase' in key) encrypter.addRecipient(new PassphraseRecipient(key.passphrase));
  else {
    for (const [index, recipient] of key.recipients.entries()) {
      try {
        encrypter.addRecipient(recipient);
      } catch {
        return { problem: 'recipient', number: index + 1 };
      }
    }
  }
  return encrypter.encrypt(plaintext);
}

/** Decrypts an age file, binary or ASCII armored. The caller overwrites the result. */
export async function decrypt(file: Uint8Array, key: OpeningKey): Promise<Uint8Array | Problem> {
  const binary = unarmored(file);
  if (binary === undefined || headerOf(binary) === undefined) return { problem: 'notAge' };
  const decrypter = new Decrypter();
  if ('passphrase' in key) decrypter.addIdentity(new PassphraseIdentity(key.passphrase));
  else {
    const problem = addIdentities(decrypter, key.identities);
    if (problem !== undefined) return problem;
  }
  // Identities are tried in order: if this one is, no other has fitted.
  const tried = { all: false };
  const last = (): null => {
    tried.all = true;
    return null;
  };
  decrypter.addIdentity({ unwrapFileKey: last });
  try {
    return await decrypter.decrypt(binary);
  } catch {
    return { problem: tried.all ? 'wrongKey' : 'damaged' };
  }
}

/** What a file asks for, by its header, which nothing has proven yet. */
export function keyKindOf(file: Uint8Array): 'passphrase' | 'identity' | Problem {
  const header = headerOf(unarmored(file));
  if (header === undefined) return { problem: 'notAge' };
  return header.startsWith(`${INTRO}-> scrypt `) ? 'passphrase' : 'identity';
}

function addIdentities(decrypter: Decrypter, text: string): Problem | undefined {
  let found = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    try {
      decrypter.addIdentity(identity);
    } catch {
      return { problem: 'identity', line: index + 1 };
    }
    found = true;
  }
  return found ? undefined : { problem: 'noIdentity' };
}

function unarmored(file: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.toString('latin1', 0, INTRO.length) === INTRO) return bytes;
  try {
    return armor.decode(bytes.toString('latin1'));
  } catch {
    return undefined;
  }
}

/** The header up to its last line, or `undefined` if this is no header or one of absurd length. */
function headerOf(file: Uint8Array | undefined): string | undefined {
  if (file === undefined) return undefined;
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.byteLength, MAX_HEADER_BYTES)).toString('latin1');
  const end = start.indexOf('\n--- ');
  return start.startsWith(INTRO) && end >= 0 ? start.slice(0, end) : undefined;
}
