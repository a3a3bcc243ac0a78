import { setImmediate } from 'node:timers/promises';
import { isSecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { SecretInfo, SecretReader } from '../../vault/secret';
import { Fingerprints, printsOf } from './fingerprints';
import type { ValuePrints } from './fingerprints';

/** What the guard needs of the vault. */
export interface GuardedVault extends SecretReader {
  /** Every secret there is. */
  list(): SecretInfo[];
  /** Another text after each change. */
  revision(): string;
}

/** What another process has changed counts after so long at the latest. In ms. */
const FRESH_MS = 250;
/** How long this may keep others waiting at a time, in ms. */
const TURN_MS = 8;

interface Known {
  readonly seal: string;
  readonly prints: ValuePrints;
}

/** The fingerprints of all current values, kept in step with the vault. Each value is opened once, and overwritten when its prints are made. */
export class KnownSecrets {
  readonly #vault: GuardedVault;
  readonly #logger: Logger;
  /** By scope and name. */
  #known = new Map<string, Known>();
  #current: { readonly revision: string; readonly fingerprints: Fingerprints } | undefined;
  #making: Promise<Fingerprints> | undefined;
  /** As `performance.now()`: nobody sets that clock. */
  #freshUntil = 0;

  constructor(vault: GuardedVault, logger: Logger) {
    this.#vault = vault;
    this.#logger = logger;
  }

  /**
   * The fingerprints as of now; a promise while they are being made. @throws SecretsError, or rejects with it, if the vault cannot be
   * read or opened. A single secret that does not open is left out, and the log says so.
   */
  current(): Fingerprints | Promise<Fingerprints> {
    const now = performance.now();
    if (this.#current !== undefined && now < this.#freshUntil) return this.#current.fingerprints;
    if (this.#making !== undefined) return this.#making;
    const revision = this.#vault.revision();
    if (this.#current?.revision === revision) {
      this.#freshUntil = now + FRESH_MS;
      return this.#current.fingerprints;
    }
    this.#making = this.#make(revision).finally(() => (this.#making = undefined));
    return this.#making;
  }

  /** Something was changed in this process: the vault is looked at before the next message. */
  changed(): void {
    this.#freshUntil = 0;
  }

  async #make(revision: string): Promise<Fingerprints> {
    const known = new Map<string, Known>();
    let until = performance.now() + TURN_MS;
    for (const info of this.#vault.list()) {
      const key = `${info.scope} ${info.name}`;
      const seal = this.#vault.sealOf(info.name, info.scope);
      if (seal === undefined) continue;
      const before = this.#known.get(key);
      known.set(key, before?.seal === seal ? before : { seal, prints: await this.#printsOf(info) });
      if (performance.now() < until) continue;
      await setImmediate();
      until = performance.now() + TURN_MS;
    }
    this.#known = known;
    const fingerprints = new Fingerprints([...known.values()].map(({ prints }) => prints));
    this.#current = { revision, fingerprints };
    return fingerprints;
  }

  async #printsOf({ scope, name }: SecretInfo): Promise<ValuePrints> {
    try {
      const opened = await this.#vault.open([name], scope);
      try {
        return opened.flatMap(({ value }) => printsOf({ scope, name }, value.toString()));
      } finally {
        for (const { value } of opened) value.fill(0);
      }
    } catch (error) {
      if (isSecretsError(error, 'secretMissing')) return [];
      if (!isSecretsError(error, 'secretUnreadable')) throw error;
      this.#logger.warn(`The secret ${name} cannot be opened, so nothing keeps its value from being sent in arguments.`);
      return [];
    }
  }
}
