import { FORMAT } from './document';
import type { StoredVersion, VaultDocument } from './document';
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

/** Opens a sealed value in its place: a Buffer that the caller overwrites after use, or `undefined` if it does not open there. */
export function openRecord(keys: VaultKeys, home: Home, place: RecordPlace, stored: StoredVersion): Buffer | undefined {
  const { sealed, context } = prepared(home, place, stored);
  return open(keys.records, sealed, context);
}

interface Prepared {
  readonly home: Home;
  readonly place: string;
  readonly sealed: Buffer;
  readonly context: Buffer;
}

const memory = new WeakMap<StoredVersion, Prepared>();

/** The bytes of a record and of its place. Nothing of it is secret, and every call needs it: kept as long as the document. */
function prepared(home: Home, place: RecordPlace, stored: StoredVersion): Prepared {
  const known = memory.get(stored);
  const key = `${place.scope}/${place.name}`;
  if (known?.home === home && known.place === key) return known;
  const made = { home, place: key, sealed: Buffer.from(stored.sealed, 'base64'), context: additionalData(home, place) };
  memory.set(stored, made);
  return made;
}
