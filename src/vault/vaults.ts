import type { AuditKeys } from '../audit/keys';
import type { Disposable, Event } from '../shared/disposable';
import { Emitter } from '../shared/disposable';
import { byScopeAndName } from './info';
import type { Damage } from './opening';
import { DEFAULT_SCOPE, USER_SCOPE } from './secret';
import type { OpenedSecret, SecretInfo, SecretReader, SecretSnapshot } from './secret';
import type { LockState, Vault, VaultActor, VaultState } from './vault';

/**
 * The vaults that a workspace uses: its own, and the one that all workspaces of a user share, which holds the scope `user`
 * and nothing else. The state is that of the workspace's own: while it is locked, the other one is closed, too.
 */
export class Vaults implements SecretReader, Disposable {
  readonly workspace: Vault;
  readonly user: Vault;
  readonly #changed = new Emitter<undefined>();
  /** Fires when one of them has changed. */
  readonly onDidChange: Event<undefined> = this.#changed.event;

  /** @param user must have the lock of `workspace` among its barriers. */
  constructor(workspace: Vault, user: Vault) {
    this.workspace = workspace;
    this.user = user;
    for (const vault of [workspace, user])
      vault.onDidChange(() => {
        this.#changed.fire(undefined);
      });
  }

  /** The vault that holds a scope. */
  of(scope: string): Vault {
    return scope === USER_SCOPE ? this.user : this.workspace;
  }

  /** As `Vault.state` of the workspace's own vault. */
  async state(): Promise<VaultState> {
    return this.workspace.state();
  }

  /** As `Vault.lockState` of the workspace's own vault. */
  lockState(): LockState {
    return this.workspace.lockState();
  }

  /** As `Vault.refuseUnlessOpen` of the workspace's own vault. */
  refuseUnlessOpen(mayBeLate = false): void {
    this.workspace.refuseUnlessOpen(mayBeLate);
  }

  async open(names: readonly string[], scope = DEFAULT_SCOPE): Promise<OpenedSecret[]> {
    return this.of(scope).open(names, scope);
  }

  openAtHand(names: readonly string[], scope = DEFAULT_SCOPE): OpenedSecret[] | undefined {
    return this.of(scope).openAtHand(names, scope);
  }

  sealOf(name: string, scope = DEFAULT_SCOPE, mayBeLate = false): string | undefined {
    return this.of(scope).sealOf(name, scope, mayBeLate);
  }

  infoOf(name: string, scope = DEFAULT_SCOPE, mayBeLate = false): SecretInfo | undefined {
    return this.of(scope).infoOf(name, scope, mayBeLate);
  }

  /** As `Vault.revision`, of both. */
  revision(): string {
    return `${this.workspace.revision()} ${this.user.revision()}`;
  }

  /** The secrets of both, by scope and name. @throws as `Vault.list`. */
  list(): SecretInfo[] {
    return [...this.workspace.list(), ...this.user.list()].sort(byScopeAndName);
  }

  /** As `Vault.load`, of both. */
  async load(): Promise<void> {
    await this.workspace.load();
    await this.user.load();
  }

  /** As `Vault.quarantined`, of both. */
  async quarantined(): Promise<Damage[]> {
    return [...(await this.workspace.quarantined()), ...(await this.user.quarantined())];
  }

  /** As `Vault.snapshot`: of the workspace's own vault, and of the user's if asked for. */
  async snapshot(withUser = false): Promise<SecretSnapshot[]> {
    return [...(await this.workspace.snapshot()), ...(withUser ? await this.user.snapshot() : [])];
  }

  /** As `Vault.restore`, each secret into the vault that holds its scope. */
  async restore(snapshots: readonly SecretSnapshot[], actor: VaultActor): Promise<void> {
    await this.workspace.restore(
      snapshots.filter(({ scope }) => scope !== USER_SCOPE),
      actor,
    );
    await this.user.restore(
      snapshots.filter(({ scope }) => scope === USER_SCOPE),
      actor,
    );
  }

  /** As `Vault.lock`. Other workspaces go on using the user's vault. */
  async lock(actor: VaultActor, kind: 'locked' | 'panic' = 'locked'): Promise<void> {
    await this.workspace.lock(actor, kind);
    this.user.refresh();
  }

  /** As `Vault.unlock`. */
  async unlock(actor: VaultActor): Promise<void> {
    await this.workspace.unlock(actor);
  }

  /** As `Vault.auditKeys` of the workspace's own vault. */
  auditKeys(): AuditKeys {
    return this.workspace.auditKeys();
  }

  /** As `Vault.refresh`, of both. */
  refresh(): void {
    this.workspace.refresh();
    this.user.refresh();
  }

  dispose(): void {
    this.workspace.dispose();
    this.user.dispose();
    this.#changed.dispose();
  }
}
