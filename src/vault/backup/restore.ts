import { isSecretsError } from '../../shared/errors';
import { byScopeAndName } from '../info';
import type { OpenedSecret, SecretInfo, SecretSnapshot } from '../secret';
import type { VaultActor } from '../vault';

/** What a backup is made of. */
export interface BackupSource {
  /** As `Vault.snapshot`. @param withUser also the secrets that all workspaces of the user share. */
  snapshot(withUser?: boolean): Promise<SecretSnapshot[]>;
}

/** What a backup is restored into. */
export interface RestorableVault {
  list(): SecretInfo[];
  open(names: readonly string[], scope?: string): Promise<OpenedSecret[]>;
  restore(snapshots: readonly SecretSnapshot[], actor: VaultActor): Promise<void>;
}

/**
 * What restoring a secret means: it is `new` here; it is here with the `same` value; the value in the backup is another one,
 * set later (`changed`) or earlier (`older`) than the one here. One that does not open here counts as `changed`.
 */
export type RestoreState = 'new' | 'changed' | 'older' | 'same';

/** One secret of a backup beside what is here. */
export interface PlannedSecret {
  readonly state: RestoreState;
  readonly snapshot: SecretSnapshot;
  /** What is known of it in the backup. */
  readonly backup: SecretInfo;
  /** What is known of the one here, if there is one. */
  readonly current?: SecretInfo;
}

/**
 * What restoring the secrets of a backup would do, by scope and name.
 * @param same whether the current value of a secret here is that of the snapshot; `undefined` if that cannot be said.
 */
export function planRestore(
  snapshots: readonly SecretSnapshot[],
  current: readonly SecretInfo[],
  same: (snapshot: SecretSnapshot) => boolean | undefined,
): PlannedSecret[] {
  const here = new Map(current.map((info) => [idOf(info), info]));
  return snapshots
    .map((snapshot) => {
      const backup = infoOf(snapshot);
      const info = here.get(idOf(snapshot));
      if (info === undefined) return { state: 'new' as const, snapshot, backup };
      return { state: stateOf(backup, info, same(snapshot)), snapshot, backup, current: info };
    })
    .sort((a, b) => byScopeAndName(a.backup, b.backup));
}

/** As `planRestore`, for a vault. Opens the secrets that it compares. @throws SecretsError if the vault is not `ready`. */
export async function previewRestore(snapshots: readonly SecretSnapshot[], vault: RestorableVault): Promise<PlannedSecret[]> {
  const current = vault.list();
  const known = new Set(current.map(idOf));
  const same = new Map<SecretSnapshot, boolean | undefined>();
  for (const snapshot of snapshots) if (known.has(idOf(snapshot))) same.set(snapshot, await holds(vault, snapshot));
  return planRestore(snapshots, current, (snapshot) => same.get(snapshot));
}

function stateOf(backup: SecretInfo, current: SecretInfo, same: boolean | undefined): RestoreState {
  if (same === true) return 'same';
  return same === false && backup.updatedAt < current.updatedAt ? 'older' : 'changed';
}

async function holds(vault: RestorableVault, { scope, name, versions }: SecretSnapshot): Promise<boolean | undefined> {
  try {
    const [opened] = await vault.open([name], scope);
    const same = opened?.value.equals(versions.at(-1)?.value ?? Buffer.alloc(0));
    opened?.value.fill(0);
    return same;
  } catch (error) {
    if (isSecretsError(error, 'secretUnreadable') || isSecretsError(error, 'secretMissing')) return undefined;
    throw error;
  }
}

function infoOf({ scope, name, createdAt, rotateEveryMs, versions }: SecretSnapshot): SecretInfo {
  const newest = versions.at(-1);
  return {
    scope,
    name,
    version: newest?.version ?? 0,
    createdAt,
    updatedAt: newest?.createdAt ?? createdAt,
    ...(newest?.expiresAt === undefined ? {} : { expiresAt: newest.expiresAt }),
    ...(rotateEveryMs === undefined ? {} : { rotateEveryMs }),
  };
}

function idOf({ scope, name }: { readonly scope: string; readonly name: string }): string {
  return `${scope}/${name}`;
}
