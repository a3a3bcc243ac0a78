import { SecretsError } from '../shared/errors';
import { shardOf } from './head';
import { keyOf } from './part';
import type { StoredSecret, StoredVersion } from './part';
import { currentOf, headOf, openRecord, sealRecord } from './record';
import { toldScope } from './secret';
import type { SecretSnapshot } from './secret';
import type { OpenTree, PartChanges } from './tree';

/** Dates of a secret. `null` takes one away, absent leaves it. */
export interface Schedule {
  /** When the current value stops being valid; ms since the epoch. */
  readonly expiresAt?: number | null;
  /** How often the secret should get a new value; ms. */
  readonly rotateEveryMs?: number | null;
}

/** Changes to the secrets of an open vault, collected. Nothing is written. */
export class Edits {
  readonly #open: OpenTree;
  /** By the index of the part, then by key: parts can be large, and a restore changes all of one. */
  readonly #changes = new Map<number, Map<string, StoredSecret>>();
  readonly #now: number;
  readonly #keep: number;

  /** @param now ms since the epoch. @param keep how many versions of a secret stay. */
  constructor(open: OpenTree, now: number, keep: number) {
    this.#open = open;
    this.#now = now;
    this.#keep = Math.max(1, keep);
  }

  get changes(): PartChanges {
    return new Map([...this.#changes].map(([index, part]) => [index, [...part.values()]]));
  }

  find(scope: string, name: string): StoredSecret | undefined {
    return this.#part(scope, name).get(keyOf(scope, name));
  }

  /** @throws SecretsError `secretMissing`. */
  get(scope: string, name: string): StoredSecret {
    const secret = this.find(scope, name);
    if (secret === undefined) throw new SecretsError('secretMissing', { names: [name], ...toldScope(scope) });
    return secret;
  }

  /** Gives a secret a new version, or makes it. A new value has no expiry date unless one is given. */
  set(scope: string, name: string, value: Uint8Array, { expiresAt, rotateEveryMs }: Schedule = {}): StoredSecret {
    const old = this.find(scope, name);
    const home = this.#open.homeOf(scope, name);
    const number = 1 + Math.max(0, ...(old?.versions.map(({ version }) => version) ?? []));
    const version: StoredVersion = {
      version: number,
      createdAt: this.#now,
      ...(expiresAt === undefined || expiresAt === null ? {} : { expiresAt }),
      sealed: sealRecord(home, { scope, name, version: number, createdAt: this.#now }, value),
    };
    const rotate = rotateEveryMs === undefined ? old?.rotateEveryMs : (rotateEveryMs ?? undefined);
    return this.#put({
      scope,
      name,
      createdAt: old === undefined || old.createdAt === 0 ? this.#now : old.createdAt,
      ...(rotate === undefined ? {} : { rotateEveryMs: rotate }),
      versions: [...(old?.versions ?? []), version].slice(-this.#keep),
    });
  }

  /**
   * Makes an earlier value current again, as a new version. @param to default: the newest version below the current one.
   * @throws SecretsError `secretMissing`, `nothingToRollBack`, `versionMissing`, `secretUnreadable`.
   */
  rollback(scope: string, name: string, to?: number): StoredSecret {
    const old = this.get(scope, name);
    if (old.versions.length < (to === undefined ? 2 : 1)) throw new SecretsError('nothingToRollBack', { name });
    const current = currentOf(old.versions);
    const below = old.versions.filter(({ version }) => version < current.version);
    const source = to === undefined ? currentOf(below) : old.versions.find(({ version }) => version === to);
    if (source === undefined) throw new SecretsError('versionMissing', { name, version: to ?? 0, ...toldScope(scope) });
    const value = openRecord(this.#open.homeOf(scope, name), old, source);
    if (value === undefined) throw new SecretsError('secretUnreadable', { name });
    try {
      return this.set(scope, name, value, { expiresAt: source.expiresAt ?? null });
    } finally {
      value.fill(0);
    }
  }

  /** Takes earlier versions out: those given, else all. The current one stays. @throws SecretsError `secretMissing`, `secretUnreadable`, `versionMissing`. */
  destroyVersions(scope: string, name: string, numbers?: readonly number[]): number[] {
    const old = this.#sound(scope, name);
    const current = currentOf(old.versions);
    const missing = numbers?.find((n) => n === current.version || !old.versions.some(({ version }) => version === n));
    if (missing !== undefined) throw new SecretsError('versionMissing', { name, version: missing, ...toldScope(scope) });
    const gone = old.versions.filter((v) => v !== current && (numbers?.includes(v.version) ?? true));
    this.#put({ ...old, versions: old.versions.filter((v) => !gone.includes(v)) });
    return gone.map(({ version }) => version);
  }

  /** Changes the dates of a secret. @throws SecretsError `secretMissing`, `secretUnreadable`. */
  schedule(scope: string, name: string, { expiresAt, rotateEveryMs }: Schedule): StoredSecret {
    const { rotateEveryMs: oldRotate, ...old } = this.#sound(scope, name);
    const rotate = rotateEveryMs === undefined ? oldRotate : (rotateEveryMs ?? undefined);
    const { expiresAt: oldExpiry, ...current } = currentOf(old.versions);
    const expiry = expiresAt === undefined ? oldExpiry : (expiresAt ?? undefined);
    const dated = { ...current, ...(expiry === undefined ? {} : { expiresAt: expiry }) };
    return this.#put({
      ...old,
      ...(rotate === undefined ? {} : { rotateEveryMs: rotate }),
      versions: old.versions.map((v) => (v.version === dated.version ? dated : v)),
    });
  }

  /** Takes a secret out. @throws SecretsError `secretMissing`. */
  delete(scope: string, name: string): void {
    this.get(scope, name);
    this.#part(scope, name).delete(keyOf(scope, name));
  }

  /**
   * Takes secrets in from elsewhere. One that is not here comes with its versions; one that is gets the other's current
   * value as a new version, unless it has this value already.
   */
  restore({ scope, name, createdAt, rotateEveryMs, versions }: SecretSnapshot): void {
    const old = this.find(scope, name);
    const newest = versions.at(-1);
    if (newest === undefined) return;
    const dates = { expiresAt: newest.expiresAt ?? null, rotateEveryMs: rotateEveryMs ?? null };
    if (old !== undefined) {
      if (this.#holds(old, newest.value)) this.schedule(scope, name, dates);
      else this.set(scope, name, newest.value, dates);
      return;
    }
    const home = this.#open.homeOf(scope, name);
    this.#put({
      scope,
      name,
      createdAt,
      ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }),
      versions: versions.slice(-this.#keep).map(({ version, createdAt: at, expiresAt, value }) => ({
        version,
        createdAt: at,
        ...(expiresAt === undefined ? {} : { expiresAt }),
        sealed: sealRecord(home, { scope, name, version, createdAt: at }, value),
      })),
    });
  }

  /** What does not prove itself must not get a new proof just because a date has changed. */
  #sound(scope: string, name: string): StoredSecret {
    const secret = this.get(scope, name);
    if (secret.versions.length === 0 || headOf(this.#open.homeOf(scope, name), secret) !== secret.head)
      throw new SecretsError('secretUnreadable', { name });
    return secret;
  }

  #holds(secret: StoredSecret, value: Buffer): boolean {
    if (secret.versions.length === 0) return false;
    const current = openRecord(this.#open.homeOf(secret.scope, secret.name), secret, currentOf(secret.versions));
    const same = current?.equals(value) === true;
    current?.fill(0);
    return same;
  }

  #put(secret: Omit<StoredSecret, 'head' | 'raw'> & Partial<StoredSecret>): StoredSecret {
    const { scope, name, createdAt, rotateEveryMs, versions } = secret;
    const body = { scope, name, createdAt, ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }), versions };
    const made = { ...body, head: headOf(this.#open.homeOf(scope, name), body) };
    this.#part(scope, name).set(keyOf(scope, name), made);
    return made;
  }

  /** The secrets of one part, to be changed in place. */
  #part(scope: string, name: string): Map<string, StoredSecret> {
    const index = shardOf(keyOf(scope, name), this.#open.head.shards.length);
    const known = this.#changes.get(index);
    if (known !== undefined) return known;
    const part = new Map<string, StoredSecret>(this.#open.part(index).byKey);
    this.#changes.set(index, part);
    return part;
  }
}
