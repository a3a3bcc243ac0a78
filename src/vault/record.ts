import { createHmac } from 'node:crypto';
import { open, seal } from './cipher';
import type { VaultKeys } from './keys';
import type { StoredSecret, StoredVersion } from './part';

const RECORD_FORMAT = 2;
const HEAD_FORMAT = 2;

/** Where a sealed value belongs. All of it is authenticated, so a ciphertext opens in its own place only. */
export interface RecordPlace {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  /** Numbers start anew when a secret was deleted: this tells its versions from those it had before. */
  readonly createdAt: number;
}

/** The keys of a record, and the vault that it is in. */
export interface Home {
  readonly vaultId: string;
  readonly keys: VaultKeys;
}

/** The additional data of a record: format, vault, key and place. */
function contextOf({ vaultId, keys }: Home, { scope, name, version, createdAt }: RecordPlace): Buffer {
  return Buffer.from(JSON.stringify(['mcp-secrets/record', RECORD_FORMAT, vaultId, keys.fingerprint, scope, name, version, createdAt]));
}

/** Seals a value for its place, as base64. The value is not changed. */
export function sealRecord(home: Home, place: RecordPlace, value: Uint8Array): string {
  return seal(home.keys.records, value, contextOf(home, place)).toString('base64');
}

/** Opens a version of a secret: a Buffer that the caller overwrites after use; `undefined` if it does not open in this place. */
export function openRecord(home: Home, { scope, name }: Pick<StoredSecret, 'scope' | 'name'>, stored: StoredVersion): Buffer | undefined {
  const made = prepared(home, { scope, name, version: stored.version, createdAt: stored.createdAt }, stored);
  return open(home.keys.records, made.sealed, made.context);
}

/**
 * What proves that a secret is as it was last written: HMAC-SHA-256 over its place, dates and versions and the seal of its
 * current value, as base64. Without it, taking the newest versions away would bring an old value back unnoticed. The seals
 * of earlier versions prove themselves, so that a damaged one takes nothing else with it.
 */
export function headOf({ vaultId, keys }: Home, secret: Omit<StoredSecret, 'head'>): string {
  const { scope, name, createdAt, rotateEveryMs = 0, versions } = secret;
  const dates = versions.map((v) => [v.version, v.createdAt, v.expiresAt ?? 0]);
  const sealed = currentOf(versions).sealed;
  const parts = ['mcp-secrets/head', HEAD_FORMAT, vaultId, keys.fingerprint, scope, name, createdAt, rotateEveryMs, dates, sealed];
  return createHmac('sha256', keys.heads).update(JSON.stringify(parts)).digest('base64');
}

/** The version with the highest number. By number, not by place: the order is not authenticated. */
export function currentOf(versions: readonly StoredVersion[]): StoredVersion {
  return versions.reduce((current, version) => (version.version > current.version ? version : current));
}

interface Prepared {
  readonly keyId: string;
  readonly place: string;
  readonly sealed: Buffer;
  readonly context: Buffer;
}

const memory = new WeakMap<StoredVersion, Prepared>();

/** What every call needs of a record. Nothing of it is secret: kept as long as the document. */
function prepared(home: Home, place: RecordPlace, stored: StoredVersion): Prepared {
  const known = memory.get(stored);
  const key = `${home.vaultId}/${place.scope}/${place.name}`;
  if (known?.keyId === home.keys.fingerprint && known.place === key) return known;
  const made = {
    keyId: home.keys.fingerprint,
    place: key,
    sealed: Buffer.from(stored.sealed, 'base64'),
    context: contextOf(home, place),
  };
  memory.set(stored, made);
  return made;
}
