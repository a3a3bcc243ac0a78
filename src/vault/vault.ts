import type { AuditEntry, AuditSink } from '../audit/entry';
import type { AuditKeys } from '../audit/keys';
import type { Clock } from '../shared/clock';
import { Emitter } from '../shared/disposable';
import type { Disposable } from '../shared/disposable';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { TreeStore } from '../shared/treeStore';
import { VaultAuditKeys } from './auditKeys';
import { Edits } from './edits';
import type { Schedule } from './edits';
import { lockOf } from './head';
import { Keeper } from './keeper';
import { checkScope, normalizeName } from './name';
import { byScopeAndName, infoOf, sealOf, versionsOf } from './info';
import { damageOf, openAll, snapshotOf } from './opening';
import type { Damage } from './opening';
import type { StoredSecret } from './part';
import { vaultsOf } from './neededKeys';
import type { KeyStore } from './ports';
import { currentOf } from './record';
import { recover } from './recovery';
import type { Recovered } from './recovery';
import { resumeRotation, rotateKey } from './rotation';
import type { Progress } from './rotation';
import { DEFAULT_SCOPE, MAX_VALUE_BYTES, toldScope } from './secret';
import type { OpenedSecret, SecretInfo, SecretReader, SecretSnapshot, VersionInfo } from './secret';
import type { OpenTree } from './tree';

/** How many versions of a secret stay sealed in the vault, unless told otherwise. */
const KEPT_VERSIONS = 10;

/** What is wrong with a vault itself. */
const BROKEN = ['keyLost', 'keyInvalid', 'vaultOlder', 'vaultAltered', 'vaultDamaged'] as const;

/** What a vault can be. Everything that depends on it (commands, views, the proxy's answers) asks `state()`. */
export type VaultState = 'ready' | 'locked' | 'keyLost' | 'untrusted' | 'noFolder';

/** Whether a vault is locked, and how: `panic` ends everything that is under way. */
export type LockState = 'open' | 'locked' | 'panic';

/** Who changes the vault, for the record. */
export type VaultActor = AuditEntry['actor'];

/** What a vault needs. */
export interface VaultPorts {
  readonly store: TreeStore;
  readonly keys: KeyStore;
  readonly clock: Clock;
  readonly audit: AuditSink;
  /** The one scope that it holds, if that is so: told by errors about the vault as a whole, whose advice is for one vault. */
  readonly scope?: string;
  /** How many versions of a secret stay. Default: 10. */
  readonly keepVersions?: () => number;
  /** Why there can be no vault here right now (no folder, no trust, or something else is locked), if so. */
  readonly barrier?: () => 'untrusted' | 'noFolder' | 'locked' | undefined;
}

/**
 * The secrets of one workspace (or those that a user has everywhere), sealed under one root key. The key is fetched when
 * first needed and lives in memory until `lock`; values live only in the Buffers that `open` returns.
 *
 * Where nothing else is said, methods throw SecretsError `untrusted`, `noFolder`, `locked`, `keyLost`, `keyInvalid`,
 * `vaultDamaged`, `vaultNewer`, `vaultOlder`, `vaultAltered`, `storeFailed` or `storeBusy`; then nothing has changed.
 */
export class Vault implements SecretReader, Disposable {
  readonly #ports: VaultPorts;
  readonly #keeper: Keeper;
  readonly #changed = new Emitter<undefined>();
  /** Fires after a change made through this object, or announced by `refresh`. */
  readonly onDidChange = this.#changed.event;
  #locked: LockState = 'open';
  readonly #auditKeys: VaultAuditKeys;

  constructor(ports: VaultPorts) {
    this.#ports = ports;
    this.#keeper = new Keeper(ports.store, ports.keys, ports.scope);
    this.#auditKeys = new VaultAuditKeys(this.#keeper, () => this.lockState() === 'open');
  }

  /** The state of the vault now. A vault that has never held a secret is `ready`. */
  async state(): Promise<VaultState> {
    const barrier = this.#ports.barrier?.();
    if (barrier !== undefined) return barrier;
    if (this.lockState() !== 'open') return 'locked';
    try {
      await this.#keeper.open();
      return 'ready';
    } catch (error) {
      if (isSecretsError(error, 'keyLost')) return 'keyLost';
      if (isSecretsError(error, 'passphraseNeeded')) return 'locked';
      throw error;
    }
  }

  /** Whether the vault is locked, here or by another process. Needs no key, waits for nothing. `mayBeLate`: as for `refuseUnlessOpen`. */
  lockState(mayBeLate = false): LockState {
    if (this.#locked !== 'open') return this.#locked;
    const tree = this.#keeper.tree(mayBeLate);
    return tree === undefined ? 'open' : lockOf(tree.head);
  }

  /**
   * @param mayBeLate a lock that another process has set in the last 5 ms need not be seen.
   * @throws SecretsError `untrusted`, `noFolder`, `locked`: nothing may be opened or changed now.
   */
  refuseUnlessOpen(mayBeLate = false): void {
    const barrier = this.#ports.barrier?.();
    if (barrier !== undefined) throw new SecretsError(barrier, {});
    if (this.lockState(mayBeLate) !== 'open') throw new SecretsError('locked', {});
  }

  /** Names and metadata, by scope and name. Needs no key: works in Restricted Mode, locked, and with a lost key. */
  list(): SecretInfo[] {
    if (this.#ports.barrier?.() === 'noFolder') throw new SecretsError('noFolder', {});
    const secrets = this.#keeper.see((tree) => tree?.all() ?? []);
    return secrets.map(infoOf).sort(byScopeAndName);
  }

  /** How many secrets there are. Needs no key. */
  get size(): number {
    return this.#keeper.tree()?.count ?? 0;
  }

  /** Reads everything that `list` needs, in steps between which others can work. With thousands of secrets, call it before `list`. */
  async load(): Promise<void> {
    await this.#keeper.load();
  }

  /** What is known of a secret, or `undefined` if there is no such secret. Needs no key. */
  infoOf(name: string, scope = DEFAULT_SCOPE, mayBeLate = false): SecretInfo | undefined {
    const stored = this.#stored(name, scope, mayBeLate);
    return stored && infoOf(stored);
  }

  /** The versions of a secret, newest first. Needs no key. @throws SecretsError `secretMissing`. */
  versions(name: string, scope = DEFAULT_SCOPE): VersionInfo[] {
    const stored = this.#stored(name, scope);
    if (stored === undefined) throw new SecretsError('secretMissing', { names: [normalizeName(name)], ...toldScope(scope) });
    return versionsOf(stored);
  }

  /** The `seal` of the current value of a secret, or `undefined` if there is no such secret. Needs no key. */
  sealOf(name: string, scope = DEFAULT_SCOPE, mayBeLate = false): string | undefined {
    const stored = this.#stored(name, scope, mayBeLate);
    return stored === undefined || stored.versions.length === 0 ? undefined : sealOf(currentOf(stored.versions));
  }

  /** Which state of the vault is stored: another text after each change, here or by another process. Needs no key, waits for nothing. */
  revision(): string {
    const head = this.#keeper.tree()?.head;
    return head === undefined ? '' : `${head.vaultId}/${String(head.generation)}`;
  }

  /** Opens secrets: see SecretReader. */
  async open(names: readonly string[], scope = DEFAULT_SCOPE): Promise<OpenedSecret[]> {
    const atHand = this.openAtHand(names, scope);
    if (atHand !== undefined) return atHand;
    this.refuseUnlessOpen();
    if (names.length === 0) return [];
    const found = await this.#keeper.seeOpen((tree) => {
      this.#refuseIfLockedMeanwhile();
      return this.#openIn(tree, names, scope);
    });
    if (found === undefined) throw new SecretsError('secretMissing', { names, ...toldScope(scope) });
    return found;
  }

  /** See SecretReader: works while the key is at hand. */
  openAtHand(names: readonly string[], scope = DEFAULT_SCOPE): OpenedSecret[] | undefined {
    this.#refuseBarrier();
    return this.#keeper.seeAtHand((tree) => this.#openIn(tree, names, scope));
  }

  /**
   * Sets a secret: adds it, or gives it a new version. The first secret makes the vault and its key.
   * @param name is normalised. @param value 1 byte to 64 KiB, any bytes; overwritten with zeros in any case.
   * @throws SecretsError `nameInvalid`, `scopeInvalid`, `valueEmpty`, `valueTooLarge`, and as above.
   */
  async set(name: string, value: Buffer, actor: VaultActor, scope = DEFAULT_SCOPE, schedule: Schedule = {}): Promise<SecretInfo> {
    try {
      const normalized = normalizeName(name);
      checkScope(scope);
      if (value.length === 0) throw new SecretsError('valueEmpty', { name: normalized });
      if (value.length > MAX_VALUE_BYTES) {
        throw new SecretsError('valueTooLarge', { name: normalized, bytes: value.length, limit: MAX_VALUE_BYTES });
      }
      const info = infoOf(await this.#edit((edits) => edits.set(scope, normalized, value, schedule), true));
      this.#record(actor, 'secret.set', scope, [info]);
      return info;
    } finally {
      value.fill(0);
    }
  }

  /**
   * Makes an earlier value of a secret current again, as a new version. @param to default: the version before the current one.
   * @throws SecretsError `secretMissing`, `nothingToRollBack`, `versionMissing`, `secretUnreadable`, and as above.
   */
  async rollback(name: string, actor: VaultActor, scope = DEFAULT_SCOPE, to?: number): Promise<SecretInfo> {
    const info = infoOf(await this.#editExisting(scope, name, (edits, normalized) => edits.rollback(scope, normalized, to)));
    this.#record(actor, 'secret.rollback', scope, [info]);
    return info;
  }

  /**
   * Destroys earlier versions of a secret: those given, else all. The current one stays. @returns the numbers of those that are gone.
   * @throws SecretsError `secretMissing`, `secretUnreadable`, `versionMissing` (also for the current one), and as above.
   */
  async destroyVersions(name: string, actor: VaultActor, scope = DEFAULT_SCOPE, versions?: readonly number[]): Promise<number[]> {
    const gone = await this.#editExisting(scope, name, (edits, normalized) => edits.destroyVersions(scope, normalized, versions));
    this.#record(actor, 'secret.destroy', scope, [{ name: normalizeName(name) }]);
    return gone;
  }

  /** Changes when a secret expires and how often it should be replaced. @throws SecretsError `secretMissing`, `secretUnreadable`, and as above. */
  async schedule(name: string, actor: VaultActor, scope: string, schedule: Schedule): Promise<SecretInfo> {
    const info = infoOf(await this.#editExisting(scope, name, (edits, normalized) => edits.schedule(scope, normalized, schedule)));
    this.#record(actor, 'secret.schedule', scope, [info]);
    return info;
  }

  /** Deletes a secret with all its versions. Works on secrets that do not open. @throws SecretsError `secretMissing`, and as above. */
  async delete(name: string, actor: VaultActor, scope = DEFAULT_SCOPE): Promise<void> {
    await this.#editExisting(scope, name, (edits, normalized) => {
      edits.delete(scope, normalized);
    });
    this.#record(actor, 'secret.delete', scope, [{ name: normalizeName(name) }]);
  }

  /** Deletes all secrets of a scope, at once. @returns their names. @throws SecretsError `scopeMissing`, and as above. */
  async deleteScope(scope: string, actor: VaultActor): Promise<string[]> {
    const names = await this.#edit((edits, open) => {
      const own = open.all().filter((secret) => secret.scope === scope);
      if (own.length === 0) throw new SecretsError('scopeMissing', { scope });
      for (const { name } of own) edits.delete(scope, name);
      return own.map(({ name }) => name).sort();
    });
    if (names === undefined) throw new SecretsError('scopeMissing', { scope });
    this.#record(
      actor,
      'scope.delete',
      scope,
      names.map((name) => ({ name })),
    );
    return names;
  }

  /** The secrets that do not prove themselves (changed or foreign ciphertext). They are kept. Empty while the vault is not `ready`. */
  async quarantined(): Promise<Damage[]> {
    if ((await this.state()) !== 'ready') return [];
    return this.#keeper.walk((_, { scope, name, sound }) => (sound ? [] : [{ scope, name }]));
  }

  /** Opens every version of every secret, to see whether it opens. @returns those that do not. */
  async check(): Promise<Damage[]> {
    this.refuseUnlessOpen();
    return this.#keeper.walk(damageOf);
  }

  /** All secrets with all their versions, opened; versions that do not open are left out (`check` names them). The caller overwrites the values. */
  async snapshot(): Promise<SecretSnapshot[]> {
    this.refuseUnlessOpen();
    return this.#keeper.walk(snapshotOf);
  }

  /**
   * Takes in secrets from elsewhere, all at once or none. One that is not here comes with its versions; one that is gets the
   * other's current value as a new version, unless that is its value already. The values are overwritten with zeros in any case.
   */
  async restore(snapshots: readonly SecretSnapshot[], actor: VaultActor): Promise<void> {
    try {
      for (const { scope, name } of snapshots) {
        checkScope(scope);
        if (normalizeName(name) !== name) throw new SecretsError('nameInvalid', { name: name.slice(0, 40) });
      }
      if (snapshots.length === 0) return;
      await this.#edit((edits) => {
        for (const snapshot of snapshots) edits.restore(snapshot);
      }, true);
      this.#record(actor, 'backup.restore', DEFAULT_SCOPE, snapshots);
    } finally {
      for (const { versions } of snapshots) for (const { value } of versions) value.fill(0);
    }
  }

  /**
   * Seals everything under a new root key and destroys the old one. Others may read and write meanwhile; a crash at any moment
   * loses nothing, and `resume` goes on. @returns false if there is no vault yet.
   */
  async rotateKey(actor: VaultActor, progress: Progress = () => undefined): Promise<boolean> {
    this.refuseUnlessOpen();
    const done = await rotateKey(this.#keeper, this.#ports.keys, this.#unlessLocked(progress));
    if (done) this.#record(actor, 'key.rotate');
    return done;
  }

  /** Whether the key is being replaced, or was when a crash cut that short. Needs no key. */
  get isRotating(): boolean {
    return this.#keeper.tree()?.head.nextKeyId !== undefined;
  }

  /** Finishes a rotation that a crash has cut short, if there is one. @returns whether there was. */
  async resume(actor: VaultActor, progress: Progress = () => undefined): Promise<boolean> {
    if (this.lockState() !== 'open' || this.#ports.barrier?.() !== undefined) return false;
    const done = await resumeRotation(this.#keeper, this.#ports.keys, this.#unlessLocked(progress));
    if (done) this.#record(actor, 'key.rotate');
    return done;
  }

  /**
   * Makes a vault usable again that is an older one, was changed from outside or is damaged: keeps what proves itself.
   * @throws SecretsError `vaultUnrecoverable` if nothing can be read, and as above.
   */
  async recover(actor: VaultActor): Promise<Recovered> {
    this.#refuseBarrier();
    const result = await recover(this.#keeper, this.#ports.store, this.#ports.keys);
    this.#record(actor, 'vault.recover');
    return result;
  }

  /**
   * Whether all of what is stored opens and proves itself, locked or not. If not, `recover` or `startFresh` may help.
   * @throws SecretsError what keeps that from being told: `vaultNewer`, `passphraseNeeded`, `passphraseWrong`, `tooOpen`, `storeFailed`, `storeBusy`.
   */
  async isFine(): Promise<boolean> {
    try {
      await this.#keeper.walk(() => []);
      return true;
    } catch (error) {
      if (BROKEN.some((kind) => isSecretsError(error, kind))) return false;
      throw error;
    } finally {
      // A locked vault has no key in memory.
      this.#keeper.forget();
    }
  }

  /** Moves a vault that does not open aside, so that a new one can begin. @returns where it is now. @throws SecretsError `vaultIsFine`, and as `isFine`. */
  async startFresh(actor: VaultActor): Promise<string> {
    this.#refuseBarrier();
    const { scope } = this.#ports;
    if (await this.isFine()) throw new SecretsError('vaultIsFine', scope === undefined ? {} : { scope });
    const where = await this.#ports.store.archive();
    this.#keeper.forget();
    this.#record(actor, 'vault.fresh');
    return where;
  }

  /** Destroys all secrets, those that were moved aside included, and their keys. There is no way back but a backup. Also works on a vault that does not open. */
  async destroyAll(actor: VaultActor): Promise<void> {
    this.#refuseBarrier();
    const { store } = this.#ports;
    const vaultIds = vaultsOf(store.heads());
    try {
      // First: once the documents are gone, nobody knows whose keys they were.
      await this.#retireAll(vaultIds);
    } finally {
      await store.destroy();
      this.#keeper.forget();
      // A key file that many vaults share lets go of a key only now, when no document needs it.
      await this.#retireAll(vaultIds);
    }
    this.#record(actor, 'vault.destroy');
  }

  /**
   * Refuses to open or change anything until `unlock`: here from the moment it is called, in other windows and processes when
   * the promise resolves. The key is dropped from memory as soon as it has proven the lock that is stored.
   */
  async lock(actor: VaultActor, kind: 'locked' | 'panic' = 'locked'): Promise<void> {
    this.#locked = kind;
    this.#changed.fire(undefined);
    try {
      const written = await this.#storeLock(kind);
      // From here on the stored lock counts, so that whoever ends it ends it everywhere.
      if (written) this.#locked = 'open';
    } finally {
      this.#dropKeys();
      this.#record(actor, kind === 'panic' ? 'vault.panic' : 'vault.lock');
    }
  }

  /** True if there is a lock now that others see. What cannot be proven, for want of the key or of a passphrase, is asked for. */
  async #storeLock(kind: 'locked' | 'panic'): Promise<boolean> {
    // Before a key is fetched: that may take a person.
    const asked = !this.#keeper.hasKeys && (await this.#keeper.askForLock(kind));
    try {
      return (await this.#keeper.change(() => ({ changes: new Map(), patch: { lock: kind }, value: true }))) === true;
    } catch (error) {
      if (!asked && !isSecretsError(error, 'keyLost')) throw error;
      return asked;
    }
  }

  /** Like `lock`, only in this process and without a record. `unlock` ends it. */
  close(kind: 'locked' | 'panic' = 'locked'): void {
    this.#locked = kind;
    this.#dropKeys();
    this.#changed.fire(undefined);
  }

  /** Ends `lock`, wherever it was called. The key is fetched again, with a passphrase if it needs one. */
  async unlock(actor: VaultActor): Promise<void> {
    this.#refuseBarrier();
    await this.#keeper.change(({ head }) => ({
      changes: new Map(),
      value: undefined,
      ...(lockOf(head) === 'open' ? {} : { patch: { lock: 'open' as const } }),
    }));
    this.#locked = 'open';
    this.#record(actor, 'vault.unlock');
  }

  /** The keys of the audit trail. They outlive `lock`: they open no secret, and what is refused then is recorded, too. */
  auditKeys(): AuditKeys {
    return this.#auditKeys;
  }

  /** Says that the store, the key or the barrier may have changed from outside. */
  refresh(): void {
    this.#keeper.forget();
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#keeper.forget();
    this.#changed.dispose();
  }

  /** @throws SecretsError `untrusted`, `noFolder`, or `locked` by something else. */
  #refuseBarrier(): void {
    const barrier = this.#ports.barrier?.();
    if (barrier !== undefined) throw new SecretsError(barrier, {});
  }

  /** For what had to wait: a lock may have come first. The key that was fetched meanwhile does not stay. */
  #refuseIfLockedMeanwhile(): void {
    try {
      this.refuseUnlessOpen();
    } catch (error) {
      this.#keeper.forget();
      throw error;
    }
  }

  /** Ends a rotation when the vault is locked. */
  #unlessLocked(progress: Progress): Progress {
    return (done, total) => {
      this.#refuseIfLockedMeanwhile();
      progress(done, total);
    };
  }

  #stored(name: string, scope: string, mayBeLate = false): StoredSecret | undefined {
    const normalized = normalizeName(name);
    return this.#keeper.see((tree) => tree?.find(scope, normalized), mayBeLate);
  }

  /** Destroys the keys of all these vaults, as far as it can: where that fails for one, the first error is thrown afterwards. */
  async #retireAll(vaultIds: readonly string[]): Promise<void> {
    const outcomes: PromiseSettledResult<void>[] = [];
    for (const vaultId of vaultIds) outcomes.push(...(await Promise.allSettled([this.#ports.keys.retire(vaultId, undefined)])));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #dropKeys(): void {
    this.#keeper.forget();
    this.#ports.keys.forget();
  }

  #openIn(tree: OpenTree, names: readonly string[], scope: string): OpenedSecret[] {
    // Of the generation that is looked at, so that it is read once: this is on the path of every call.
    if (this.#locked !== 'open' || lockOf(tree.head) !== 'open') throw new SecretsError('locked', {});
    return openAll(tree, names, scope);
  }

  async #editExisting<T>(scope: string, name: string, make: (edits: Edits, name: string) => T): Promise<T> {
    const normalized = normalizeName(name);
    const result = await this.#edit((edits) => ({ value: make(edits, normalized) }));
    if (result === undefined) throw new SecretsError('secretMissing', { names: [normalized], ...toldScope(scope) });
    return result.value;
  }

  async #edit<T>(make: (edits: Edits, open: OpenTree) => T, create: true): Promise<T>;
  async #edit<T>(make: (edits: Edits, open: OpenTree) => T, create?: boolean): Promise<T | undefined>;
  async #edit<T>(make: (edits: Edits, open: OpenTree) => T, create = false): Promise<T | undefined> {
    this.refuseUnlessOpen();
    const result = await this.#keeper.change((open) => {
      this.#refuseIfLockedMeanwhile();
      const edits = new Edits(open, this.#ports.clock.now(), this.#ports.keepVersions?.() ?? KEPT_VERSIONS);
      const value = make(edits, open);
      return { changes: edits.changes, value: { value } };
    }, create);
    if (result === undefined && create) throw new SecretsError('vaultDamaged', { what: 'the store made no change' });
    return result?.value;
  }

  #record(actor: VaultActor, action: AuditEntry['action'], scope = DEFAULT_SCOPE, secrets: readonly Named[] = []): void {
    const versions = Object.fromEntries(secrets.flatMap(({ name, version }) => (version === undefined ? [] : [[name, version]])));
    this.#ports.audit.record({
      actor,
      action,
      ...toldScope(scope),
      ...(secrets.length === 0 ? {} : { secrets: secrets.map(({ name }) => name) }),
      ...(Object.keys(versions).length === 0 ? {} : { versions }),
      outcome: 'ok',
    });
    this.#changed.fire(undefined);
  }
}

interface Named {
  readonly name: string;
  readonly version?: number;
}
