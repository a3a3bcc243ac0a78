import { SecretsError } from '../shared/errors';
import { sealOf } from './info';
import { currentOf, openRecord } from './record';
import { toldScope } from './secret';
import type { OpenedSecret, SecretSnapshot } from './secret';
import type { OpenTree, ProvenSecret } from './tree';

/** A secret or one of its versions that does not open. */
export interface Damage {
  readonly scope: string;
  readonly name: string;
  /** Absent: the secret as a whole. */
  readonly version?: number;
}

/**
 * Opens the current values of secrets of one scope, all or none.
 * @throws SecretsError `secretMissing` (with every missing name), `secretUnreadable`, and as `OpenTree.find`.
 */
export function openAll(open: OpenTree, names: readonly string[], scope: string): OpenedSecret[] {
  // One record opens as fast by itself.
  if (names.length < 2) return openEach(open, names, scope);
  const id = [scope, ...names].join(' ');
  const kept = open.bundles.open(id);
  if (kept !== undefined) return kept;
  const opened = openEach(open, names, scope);
  open.bundles.keep(id, opened);
  return opened;
}

function openEach(open: OpenTree, names: readonly string[], scope: string): OpenedSecret[] {
  const missing = names.filter((name) => open.find(scope, name) === undefined);
  if (missing.length > 0) throw new SecretsError('secretMissing', { names: missing, ...toldScope(scope) });
  const opened: OpenedSecret[] = [];
  for (const name of names) {
    const secret = open.find(scope, name);
    const current = secret?.sound === true ? currentOf(secret.versions) : undefined;
    const value = secret === undefined || current === undefined ? undefined : openRecord(open.homeOf(scope, name), secret, current);
    if (current === undefined || value === undefined) {
      for (const { value: done } of opened) done.fill(0);
      throw new SecretsError('secretUnreadable', { name });
    }
    const { version, expiresAt } = current;
    opened.push({ name, version, seal: sealOf(current), ...(expiresAt === undefined ? {} : { expiresAt }), value });
  }
  return opened;
}

/** What of a secret does not open: all of it, or some versions. */
export function damageOf(open: OpenTree, secret: ProvenSecret): Damage[] {
  const { scope, name } = secret;
  if (!secret.sound) return [{ scope, name }];
  return secret.versions.flatMap((stored) => {
    const value = openRecord(open.homeOf(scope, name), secret, stored);
    value?.fill(0);
    return value === undefined ? [{ scope, name, version: stored.version }] : [];
  });
}

/** A secret with all its versions, opened; none if it does not prove itself. The caller overwrites the values. */
export function snapshotOf(open: OpenTree, secret: ProvenSecret): SecretSnapshot[] {
  if (!secret.sound) return [];
  const { scope, name, createdAt, rotateEveryMs } = secret;
  const versions = secret.versions.flatMap(({ sealed, ...stored }) => {
    const value = openRecord(open.homeOf(scope, name), secret, { ...stored, sealed });
    return value === undefined ? [] : [{ ...stored, value }];
  });
  const inOrder = versions.sort((a, b) => a.version - b.version);
  return versions.length === 0
    ? []
    : [{ scope, name, createdAt, ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }), versions: inOrder }];
}
