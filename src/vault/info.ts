import type { StoredSecret, StoredVersion } from './part';
import { currentOf } from './record';
import type { SecretInfo, VersionInfo } from './secret';

/** What may be known of a stored secret. One whose line cannot be read has version 0. */
export function infoOf({ scope, name, createdAt, rotateEveryMs, versions }: StoredSecret): SecretInfo {
  const rotate = rotateEveryMs === undefined ? {} : { rotateEveryMs };
  if (versions.length === 0) return { scope, name, version: 0, createdAt, updatedAt: createdAt, ...rotate };
  const { version, createdAt: updatedAt, expiresAt } = currentOf(versions);
  return { scope, name, version, createdAt, updatedAt, ...(expiresAt === undefined ? {} : { expiresAt }), ...rotate };
}

/** Orders secrets by scope and name. */
export function byScopeAndName(a: SecretInfo, b: SecretInfo): number {
  return compare(a.scope, b.scope) || compare(a.name, b.name);
}

/** The versions of a stored secret, newest first. */
export function versionsOf({ versions }: StoredSecret): VersionInfo[] {
  const current = versions.length > 0 ? currentOf(versions) : undefined;
  return versions
    .map(({ version, createdAt, expiresAt }) => ({
      version,
      createdAt,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      current: version === current?.version,
    }))
    .sort((a, b) => b.version - a.version);
}

/** What tells a sealed value from every other: the random IV that it was sealed under. Not secret. */
export function sealOf({ sealed }: StoredVersion): string {
  return sealed.slice(0, 16);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
