import * as vscode from 'vscode';
import type { Vault } from '../vault/vault';
import type { Vaults } from '../vault/vaults';
import { keyOf } from './secretRef';
import type { SecretRef } from './secretRef';

/** Which secrets do not open, as last looked at: to know it takes a proof of each, which must not keep the others from being shown. */
export class Quarantine implements vscode.Disposable {
  readonly #vaults: () => Vaults;
  readonly #changed = new vscode.EventEmitter<undefined>();
  /** Fires when other secrets do not open than before. */
  readonly onDidChange = this.#changed.event;
  #lost: ReadonlySet<Vault> = new Set();
  #damaged: ReadonlySet<string> = new Set();
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(vaults: () => Vaults) {
    this.#vaults = vaults;
  }

  has(secret: SecretRef): boolean {
    return this.#damaged.has(keyOf(secret)) || this.#lost.has(this.#vaults().of(secret.scope));
  }

  /** Looks whether the keys are there, without which nothing opens. Quick. */
  async lookAtKeys(): Promise<void> {
    const lost = new Set<Vault>();
    for (const vault of this.#both()) {
      // What else may be wrong with a vault is said by the state.
      if ((await vault.state().catch(() => undefined)) === 'keyLost') lost.add(vault);
    }
    this.#lost = lost;
  }

  /** Looks at every secret. Asked while it looks already, it looks once more. Never rejects. */
  look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#lookUntilDone().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  dispose(): void {
    this.#changed.dispose();
  }

  async #lookUntilDone(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const damaged = new Set<string>();
      for (const vault of this.#both()) for (const secret of await vault.quarantined().catch(() => [])) damaged.add(keyOf(secret));
      const before = this.#damaged;
      this.#damaged = damaged;
      if (damaged.size !== before.size || [...damaged].some((key) => !before.has(key))) this.#changed.fire(undefined);
    }
  }

  #both(): readonly Vault[] {
    const { workspace, user } = this.#vaults();
    return [workspace, user];
  }
}
