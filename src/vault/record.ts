import { createHmac } from 'node:crypto';
import { FORMAT } from './document';
import type { StoredSecret, StoredVersion, VaultDocument } from './document';
import { open, seal } from './cipher';
import type { VaultKeys } from './keys';

/** Where a sealed value belongs. All of it is authenticated, so a ciphertext opens in its own place only. */
export interface RecordPlace {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
}

type Home = Pick<VaultDocument, 'vaultId' | 'keyId'>;

function additionalData(home: Home, place: RecordPlace): Buffer {
  return Buffer.from(JSON.stringify(['mcp-secrets/record', FORMAT, home.vaultId, home.keyId, place.scope, place.name, place.version]));
}

/** Seals a value for its place. The value is not changed. */
export function sealRecord(keys: VaultKeys, home: Home, place: RecordPlace, value: Uint8Array, createdAt: number): StoredVersion {
  const sealed = seal(keys.records, value, additionalData(home, place)).toString('base64');
  return { version: place.version, createdAt, sealed };
}

/**
 * What proves that a version is the current one of its secret: HMAC-SHA-256 over its place and its seal, as base64.
 * Without it, taking the newest versions out of the document would bring an old value back unnoticed.
 */
export function headOf(keys: VaultKeys, home: Home, place: RecordPlace, stored: StoredVersion): string {
  return createHmac('sha256', keys.heads).update(additionalData(home, place)).update(stored.sealed).digest('base64');
}

/**
 * Opens the current value of a secret: a Buffer that the caller overwrites after use. `undefined` if it does not open
 * there, or is not what was current when the secret was last set.
 */
export function openCurrent(keys: VaultKeys, home: Home, { scope, name, head }: StoredSecret, current: StoredVersion): Buffer | undefined {
  const made = prepared(keys, home, { scope, name, version: current.version }, current);
  return made.head === head ? open(keys.records, made.sealed, made.context) : undefined;
}

interface Prepared {
  readonly home: Home;
  readonly place: string;
  readonly sealed: Buffer;
  readonly context: Buffer;
  readonly head: string;
}

const memory = new WeakMap<StoredVersion, Prepared>();

/** What every call needs of a record. Nothing of it is secret: kept as long as the document. */
function prepared(keys: VaultKeys, home: Home, place: RecordPlace, stored: StoredVersion): Prepared {
  const known = memory.get(stored);
  const key = `${place.scope}/${place.name}`;
  if (known?.home === home && known.place === key) return known;
  const made = {
    home,
    place: key,
    sealed: Buffer.from(stored.sealed, 'base64'),
    context: additionalData(home, place),
    head: headOf(keys, home, place, stored),
  };
  memory.set(stored, made);
  return made;
}
