import { createSecretKey } from 'node:crypto';
import type { AuditKey, AuditKeys } from '../audit/keys';
import type { Keeper } from './keeper';
import { openAuditKey } from './reseal';

/**
 * The audit keys of a vault: the one that comes from its root key, and those of earlier root keys, which the vault keeps sealed.
 * The current one stays in memory when the vault is locked: it opens no secret, and what is refused then is recorded, too.
 */
export class VaultAuditKeys implements AuditKeys {
  readonly #keeper: Keeper;
  readonly #mayKeepKeys: () => boolean;
  #current: AuditKey | undefined;

  /** @param mayKeepKeys whether other keys, fetched on the way, may stay in memory. */
  constructor(keeper: Keeper, mayKeepKeys: () => boolean) {
    this.#keeper = keeper;
    this.#mayKeepKeys = mayKeepKeys;
  }

  async current(): Promise<AuditKey | undefined> {
    try {
      const head = this.#keeper.tree()?.head;
      if (head === undefined || head.keyId === this.#current?.id) return this.#current;
      const keys = await this.#keeper.keysOf(head.vaultId, head.keyId);
      if (keys !== undefined) this.#current = { id: keys.fingerprint, key: keys.audit };
      this.#forgetUnlessOpen();
    } catch {
      // The vault says elsewhere why it cannot be read.
    }
    return this.#current;
  }

  async byId(id: string): Promise<AuditKey | undefined> {
    const current = await this.current();
    if (current?.id === id) return current;
    try {
      const open = await this.#keeper.open();
      const former = open?.head.formerAudit.find(({ keyId }) => keyId === id);
      const bytes = open === undefined || former === undefined ? undefined : openAuditKey(former, open.home(open.head.keyId));
      if (bytes === undefined) return undefined;
      const key = createSecretKey(bytes);
      bytes.fill(0);
      return { id, key };
    } catch {
      return undefined;
    } finally {
      this.#forgetUnlessOpen();
    }
  }

  #forgetUnlessOpen(): void {
    try {
      if (this.#mayKeepKeys()) return;
    } catch {
      // Nor while that cannot be told.
    }
    this.#keeper.forget();
  }
}
