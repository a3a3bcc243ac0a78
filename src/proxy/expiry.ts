import type { Server } from '../bindings/server';
import type { Clock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { SecretInfo } from '../vault/secret';

/** What happens to a call that needs a secret whose expiry date is past. */
export type ExpiredPolicy = 'warn' | 'refuse';

/** What the rule needs of the rest. */
export interface ExpiryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: `warn`. Asked each time. */
  readonly expiredSecrets?: () => ExpiredPolicy;
  /** Hears of each use of an expired secret (its name, the server's name), also of one that is refused. */
  readonly onExpiredUsed?: (secret: string, server: string) => void;
}

/** The rule for secrets that are past their expiry date: warn, or refuse. */
export class Expiry {
  readonly #options: ExpiryOptions;
  /** What the log has been told of: scope, name and version. */
  readonly #told = new Set<string>();

  constructor(options: ExpiryOptions) {
    this.#options = options;
  }

  /** Looks at the secrets that a server is about to use. @throws SecretsError `secretExpired` for the first one that may not be used. */
  check(server: Server, secrets: readonly Pick<SecretInfo, 'name' | 'version' | 'expiresAt'>[]): void {
    for (const { name, version, expiresAt } of secrets) {
      if (expiresAt !== undefined && expiresAt <= this.#options.clock.now()) this.#expired(server, name, version, expiresAt);
    }
  }

  #expired(server: Server, name: string, version: number, expiresAt: number): void {
    const { logger, expiredSecrets, onExpiredUsed } = this.#options;
    const at = `${new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
    onExpiredUsed?.(name, server.name);
    if (expiredSecrets?.() === 'refuse') throw new SecretsError('secretExpired', { name, server: server.name, at });
    const key = `${server.scope} ${name} ${String(version)}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    logger.warn(`The secret ${name} expired on ${at} and is still used, by server "${server.name}". Replace it with a new value.`);
  }
}
