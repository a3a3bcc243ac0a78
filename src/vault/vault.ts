import { randomBytes } from 'node:crypto';
import type { AuditEntry, AuditSink } from '../audit/entry';
import type { BlobStore } from '../shared/blobStore';
import type { Clock } from '../shared/clock';
import { Emitter } from '../shared/disposable';
import type { Disposable } from '../shared/disposable';
import { SecretsError } from '../shared/errors';
import { FORMAT, formatDocument, parseDocument } from './document';
import type { StoredSecret, StoredVersion, VaultDocument } from './document';
import { deriveKeys, newRootKey } from './keys';
import type { VaultKeys } from './keys';
import { normalizeName } from './name';
import type { KeyStore } from './ports';
import { headOf, openCurrent, sealRecord } from './record';

/** The scope of a secret that names none. */
export const DEFAULT_SCOPE = 'workspace';
/** The most bytes that a value may have. */
export const MAX_VALUE_BYTES = 64 * 1024;
/** How many versions of a secret stay sealed in the vault. */
const KEPT_VERSIONS = 10;

/** What a vault can be. Everything that depends on it (commands, views, the proxy's answers) asks `state()`. */
export type VaultState = 'ready' | 'locked' | 'keyLost' | 'untrusted' | 'noFolder';

/** All that may be known of a secret without opening it. */
export interface SecretInfo {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  /** When the secret was first set; ms since the epoch. */
  readonly createdAt: number;
  /** When its current value was set; ms since the epoch. */
  readonly updatedAt: number;
}

/** An opened secret. Whoever opens it overwrites `value` when it has been used. */
export interface OpenedSecret {
  readonly name: string;
  readonly version: number;
  /** Tells this sealed value from every other one, also from one of the same version that was deleted. Not secret. */
  readonly seal: string;
  readonly value: Buffer;
}

/** Who changes the vault, for the record. */
export type VaultActor = AuditEntry['actor'];

interface VaultPorts {
  readonly store: BlobStore;
  readonly keys: KeyStore;
  readonly clock: Clock;
  readonly audit: AuditSink;
  /** Why there can be no vault here right now (no folder, no trust), if so. */
  readonly barrier?: () => 'untrusted' | 'noFolder' | undefined;
}

/**
 * The secrets of one workspace, sealed under one root key. The key is fetched when first needed and lives
 * in memory until `lock`; values live only in the Buffers that `open` returns.
 */
export class Vault implements Disposable {
  readonly #ports: VaultPorts;
  readonly #changed = new Emitter<undefined>();
  /** Fires after a change made through this object, or announced by `refresh`. */
  readonly onDidChange = this.#changed.event;
  #locked = false;
  #keys: VaultKeys | undefined;
  #parsed: { text: string; document: VaultDocument } | undefined;

  constructor(ports: VaultPorts) {
    this.#ports = ports;
  }

  /**
   * The state of the vault now. A vault that has never held a secret is `ready`.
   * @throws SecretsError `vaultDamaged`, `vaultNewer`, `storeFailed`, `keyInvalid`.
   */
  async state(): Promise<VaultState> {
    const barrier = this.#ports.barrier?.();
    if (barrier !== undefined) return barrier;
    if (this.#locked) return 'locked';
    const document = this.#document();
    if (document === undefined) return 'ready';
    return (await this.#keysOf(document)) === undefined ? 'keyLost' : 'ready';
  }

  /**
   * Names and metadata, by scope and name. Needs no key: works in Restricted Mode, locked, and with a lost key.
   * @throws SecretsError `noFolder`, `vaultDamaged`, `vaultNewer`, `storeFailed`.
   */
  list(): SecretInfo[] {
    if (this.#ports.barrier?.() === 'noFolder') throw new SecretsError('noFolder', {});
    const secrets = this.#document()?.secrets ?? [];
    return secrets.map(infoOf).sort((a, b) => compare(a.scope, b.scope) || compare(a.name, b.name));
  }

  /** The number of the current version of a secret, or `undefined` if there is no such secret. Needs no key. */
  versionOf(name: string, scope = DEFAULT_SCOPE): number | undefined {
    const stored = find(this.#document(), normalizeName(name), scope);
    return stored && currentOf(stored).version;
  }

  /** The `seal` of the current value of a secret, or `undefined` if there is no such secret. Needs no key. */
  sealOf(name: string, scope = DEFAULT_SCOPE): string | undefined {
    const stored = find(this.#document(), normalizeName(name), scope);
    return stored && sealOf(currentOf(stored));
  }

  /**
   * Sets a secret: adds it, or gives it a new version. The first secret makes the vault and its key.
   * @param name is normalised. @param value 1 byte to 64 KiB, any bytes; overwritten with zeros in any case.
   * @throws SecretsError `nameInvalid`, `valueEmpty`, `valueTooLarge`, a state other than `ready`, or a store's error.
   */
  async set(name: string, value: Buffer, actor: VaultActor, scope = DEFAULT_SCOPE): Promise<SecretInfo> {
    try {
      const normalized = normalizeName(name);
      if (value.length === 0) throw new SecretsError('valueEmpty', { name: normalized });
      if (value.length > MAX_VALUE_BYTES) {
        throw new SecretsError('valueTooLarge', { name: normalized, bytes: value.length, limit: MAX_VALUE_BYTES });
      }
      const info = await this.#change((document, keys) => {
        const now = this.#ports.clock.now();
        const old = find(document, normalized, scope);
        const version = old === undefined ? 1 : currentOf(old).version + 1;
        const place = { scope, name: normalized, version };
        const added = sealRecord(keys, document, place, value, now);
        const stored: StoredSecret = {
          scope,
          name: normalized,
          createdAt: old?.createdAt ?? now,
          head: headOf(keys, document, place, added),
          versions: [...(old?.versions ?? []), added].slice(-KEPT_VERSIONS),
        };
        return [{ ...document, secrets: [...document.secrets.filter((s) => s !== old), stored] }, infoOf(stored)];
      });
      this.#ports.audit.record({ actor, action: 'secret.set', secrets: [normalized], outcome: 'ok' });
      this.#changed.fire(undefined);
      return info;
    } finally {
      value.fill(0);
    }
  }

  /**
   * Deletes a secret with all its versions. Works on secrets that do not open.
   * @throws SecretsError `secretMissing`, a state other than `ready`, or a store's error.
   */
  async delete(name: string, actor: VaultActor, scope = DEFAULT_SCOPE): Promise<void> {
    const normalized = normalizeName(name);
    if (this.#document() === undefined) throw new SecretsError('secretMissing', { names: [normalized] });
    await this.#change((document) => {
      const old = find(document, normalized, scope);
      if (old === undefined) throw new SecretsError('secretMissing', { names: [normalized] });
      return [{ ...document, secrets: document.secrets.filter((s) => s !== old) }, undefined];
    });
    this.#ports.audit.record({ actor, action: 'secret.delete', secrets: [normalized], outcome: 'ok' });
    this.#changed.fire(undefined);
  }

  /**
   * Opens the current values of secrets, all or none. For the time of one use: the caller overwrites them.
   * @throws SecretsError `secretMissing` (with every missing name), `secretUnreadable`, a state other than `ready`.
   */
  async open(names: readonly string[], scope = DEFAULT_SCOPE): Promise<OpenedSecret[]> {
    this.#refuseUnlessOpen();
    const document = this.#document();
    const missing = names.filter((name) => find(document, name, scope) === undefined);
    if (missing.length > 0) throw new SecretsError('secretMissing', { names: missing });
    if (document === undefined || names.length === 0) return [];
    // Kept synchronous while the key is at hand: this is on the path of every call.
    const keys = this.#keys?.fingerprint === document.keyId ? this.#keys : await this.#keysOf(document);
    if (keys === undefined) throw new SecretsError('keyLost', {});
    const opened: OpenedSecret[] = [];
    for (const name of names) {
      const stored = find(document, name, scope);
      if (stored === undefined) continue;
      const current = currentOf(stored);
      const value = openCurrent(keys, document, stored, current);
      if (value === undefined) {
        for (const { value: done } of opened) done.fill(0);
        throw new SecretsError('secretUnreadable', { name });
      }
      opened.push({ name, version: current.version, seal: sealOf(current), value });
    }
    return opened;
  }

  /**
   * The names of secrets whose current value does not open (changed or foreign ciphertext). They are kept.
   * Empty while the vault is not `ready`.
   */
  async quarantined(): Promise<{ scope: string; name: string }[]> {
    if ((await this.state()) !== 'ready') return [];
    const document = this.#document();
    const keys = document && (await this.#keysOf(document));
    if (document === undefined || keys === undefined) return [];
    return document.secrets.filter((stored) => {
      const current = currentOf(stored);
      const value = openCurrent(keys, document, stored, current);
      value?.fill(0);
      return value === undefined;
    });
  }

  /** Drops the key from memory and refuses to open or change anything until `unlock`. */
  lock(): void {
    this.#locked = true;
    this.#keys = undefined;
    this.#changed.fire(undefined);
  }

  /** Ends `lock`. The key is fetched again when it is next needed. */
  unlock(): void {
    this.#locked = false;
    this.#changed.fire(undefined);
  }

  /** Says that the store, the key or the barrier may have changed from outside. */
  refresh(): void {
    this.#keys = undefined;
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#keys = undefined;
    this.#changed.dispose();
  }

  #refuseUnlessOpen(): void {
    const barrier = this.#ports.barrier?.();
    if (barrier !== undefined) throw new SecretsError(barrier, {});
    if (this.#locked) throw new SecretsError('locked', {});
  }

  #document(): VaultDocument | undefined {
    const text = this.#ports.store.read();
    if (text === undefined) return undefined;
    if (this.#parsed?.text !== text) this.#parsed = { text, document: parseDocument(text) };
    return this.#parsed.document;
  }

  /** The keys that sealed the document, or `undefined` if its root key is gone (or another one is in its place). */
  async #keysOf(document: VaultDocument): Promise<VaultKeys | undefined> {
    if (this.#keys?.fingerprint === document.keyId) return this.#keys;
    const rootKey = await this.#ports.keys.get(document.vaultId);
    if (rootKey === undefined) return undefined;
    const keys = deriveKeys(rootKey, document.vaultId);
    rootKey.fill(0);
    if (keys.fingerprint !== document.keyId) return undefined;
    this.#keys = keys;
    return keys;
  }

  async #change<T>(make: (document: VaultDocument, keys: VaultKeys) => [VaultDocument, T]): Promise<T> {
    this.#refuseUnlessOpen();
    let result: { value: T } | undefined;
    await this.#ports.store.update(async (text) => {
      const document = text === undefined ? await this.#create() : parseDocument(text);
      const keys = await this.#keysOf(document);
      if (keys === undefined) throw new SecretsError('keyLost', {});
      const [next, value] = make(document, keys);
      result = { value };
      return formatDocument(next);
    });
    if (result === undefined) throw new SecretsError('vaultDamaged', { what: 'the store made no change' });
    return result.value;
  }

  /** A new, empty vault whose key is stored, and seen to be stored, before anything is sealed under it. */
  async #create(): Promise<VaultDocument> {
    const vaultId = randomBytes(16).toString('hex');
    const rootKey = (await this.#ports.keys.get(vaultId)) ?? (await this.#createKey(vaultId));
    const { fingerprint } = deriveKeys(rootKey, vaultId);
    rootKey.fill(0);
    const document: VaultDocument = { format: FORMAT, vaultId, keyId: fingerprint, secrets: [] };
    if ((await this.#keysOf(document)) === undefined) throw new SecretsError('keyLost', {});
    return document;
  }

  async #createKey(vaultId: string): Promise<Buffer> {
    const rootKey = newRootKey();
    try {
      await this.#ports.keys.set(vaultId, rootKey);
      return rootKey;
    } catch (error) {
      rootKey.fill(0);
      // Where vaults share one key, another process may have made it just now.
      const existing = await this.#ports.keys.get(vaultId);
      if (existing === undefined) throw error;
      return existing;
    }
  }
}

function find(document: VaultDocument | undefined, name: string, scope: string): StoredSecret | undefined {
  return document?.secrets.find((s) => s.name === name && s.scope === scope);
}

function currentOf(stored: StoredSecret): StoredVersion {
  // By number, not by place: the order in the document is not authenticated.
  return stored.versions.reduce((current, version) => (version.version > current.version ? version : current));
}

/** The random IV that a value was sealed under: no two have the same. */
function sealOf({ sealed }: StoredVersion): string {
  return sealed.slice(0, 16);
}

function infoOf(stored: StoredSecret): SecretInfo {
  const { version, createdAt } = currentOf(stored);
  return { scope: stored.scope, name: stored.name, version, createdAt: stored.createdAt, updatedAt: createdAt };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
