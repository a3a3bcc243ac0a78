/** The scope of a secret that names none. */
export const DEFAULT_SCOPE = 'workspace';
/** The scope of the secrets that all workspaces of this user on this machine share. They are in a vault of their own. */
export const USER_SCOPE = 'user';
/** A scope as details of errors and entries tell it: not at all if it is the default one. */
export function toldScope(scope: string): { readonly scope?: string } {
  return scope === DEFAULT_SCOPE ? {} : { scope };
}

/** The most bytes that a value may have. */
export const MAX_VALUE_BYTES = 64 * 1024;

/** All that may be known of a secret without opening it. Times in ms since the epoch. */
export interface SecretInfo {
  readonly scope: string;
  readonly name: string;
  /** The number of the current version. */
  readonly version: number;
  /** When the secret was first set. */
  readonly createdAt: number;
  /** When its current value was set. */
  readonly updatedAt: number;
  /** When its current value stops being valid, if that is known. */
  readonly expiresAt?: number;
  /** How often it should get a new value, in ms, if it should. */
  readonly rotateEveryMs?: number;
}

/** One version of a secret, without its value. */
export interface VersionInfo {
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly current: boolean;
}

/** An opened secret. Whoever opens it overwrites `value` when it has been used. */
export interface OpenedSecret {
  readonly name: string;
  readonly version: number;
  /** Tells this sealed value from every other one, also from one of the same version that was deleted. Not secret. */
  readonly seal: string;
  readonly expiresAt?: number;
  readonly value: Buffer;
}

/** A secret with all its versions, opened: what a backup holds. Whoever gets one overwrites the values after use. */
export interface SecretSnapshot {
  readonly scope: string;
  readonly name: string;
  readonly createdAt: number;
  readonly rotateEveryMs?: number;
  /** Oldest first, numbers rising; the last is current. At least one. */
  readonly versions: readonly VersionSnapshot[];
}

/** One opened version. */
export interface VersionSnapshot {
  readonly version: number;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly value: Buffer;
}

/** What reads secrets for servers needs. */
export interface SecretReader {
  /**
   * Opens the current values of secrets of one scope, all or none. For the time of one use: the caller overwrites them.
   * @throws SecretsError `secretMissing` (with every missing name), `secretUnreadable`, a state other than `ready`.
   */
  open(names: readonly string[], scope?: string): Promise<OpenedSecret[]>;
  /** As `open`, if that takes no waiting; else `undefined`. */
  openAtHand(names: readonly string[], scope?: string): OpenedSecret[] | undefined;
  /**
   * The `seal` of the current value of a secret, or `undefined` if there is no such secret. Needs no key.
   * @param mayBeLate what another process has written in the last 5 ms need not be seen.
   */
  sealOf(name: string, scope?: string, mayBeLate?: boolean): string | undefined;
  /** What is known of a secret, or `undefined` if there is no such secret. Needs no key. @param mayBeLate as for `sealOf`. */
  infoOf(name: string, scope?: string, mayBeLate?: boolean): SecretInfo | undefined;
}
