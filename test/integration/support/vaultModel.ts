import { USER_SCOPE } from '../../../src/vault/secret';
import type { SecretSnapshot } from '../../../src/vault/secret';
import type { Seeded } from './seeded';

/** One thing that a process does to the vaults of a workspace. */
export type Operation =
  | { readonly kind: 'set'; readonly scope: string; readonly name: string; readonly value: string }
  | { readonly kind: 'delete' | 'rollback'; readonly scope: string; readonly name: string }
  | { readonly kind: 'restore'; readonly backup: Backup }
  | { readonly kind: 'rotate' | 'resume' };

export type Kind = Operation['kind'];

/** A backup file, and what is in it. */
export interface Backup {
  readonly file: string;
  readonly identity: string;
  readonly secrets: Model;
}

interface Version {
  readonly version: number;
  readonly value: string;
}

/** What is in the vaults of a workspace: versions by `scope/name`, oldest first. JSON. */
export type Model = Readonly<Record<string, readonly Version[]>>;

const KEPT = 10;

/** What is really there. The values of the snapshots are overwritten. */
export function modelOf(snapshots: readonly SecretSnapshot[]): Model {
  return Object.fromEntries(
    snapshots.map(({ scope, name, versions }) => [
      `${scope}/${name}`,
      versions.map(({ version, value }) => {
        const text = value.toString();
        value.fill(0);
        return { version, value: text };
      }),
    ]),
  );
}

/** The secrets of a model, to be put into a vault or a backup. */
export function snapshotsOf(model: Model): SecretSnapshot[] {
  return Object.entries(model).map(([key, versions]) => {
    const [scope = '', name = ''] = key.split('/');
    return {
      scope,
      name,
      createdAt: 1,
      versions: versions.map(({ version, value }) => ({ version, createdAt: version, value: Buffer.from(value) })),
    };
  });
}

/**
 * The states that an operation goes through, the last one being its result. Only a restore into both vaults, which are
 * two documents, has one in between: the workspace's own is restored first.
 */
export function statesOf(model: Model, operation: Operation): Model[] {
  switch (operation.kind) {
    case 'set':
      return [withValue(model, keyOf(operation), operation.value)];
    case 'rollback':
      return [withValue(model, keyOf(operation), model[keyOf(operation)]?.at(-2)?.value ?? '')];
    case 'delete':
      return [Object.fromEntries(Object.entries(model).filter(([key]) => key !== keyOf(operation)))];
    case 'restore': {
      const entries = Object.entries(operation.backup.secrets);
      const own = entries.filter(([key]) => !isUsers(key)).reduce(restored, model);
      return [own, entries.filter(([key]) => isUsers(key)).reduce(restored, own)];
    }
    case 'rotate':
    case 'resume':
      return [model];
  }
}

/** The result of an operation. */
export function after(model: Model, operation: Operation): Model {
  return statesOf(model, operation).at(-1) ?? model;
}

/** An operation of this kind that can be done in this state; a `set` where there is none. */
export function operationOf(kind: Kind, model: Model, random: Seeded, backups: readonly Backup[]): Operation {
  if (kind === 'rotate' || kind === 'resume') return { kind };
  if (kind === 'restore') return { kind, backup: random.pick(backups) };
  const keys = Object.keys(model).filter((key) => kind !== 'rollback' || (model[key]?.length ?? 0) > 1);
  if (kind === 'set' || keys.length === 0) return newValue(model, random);
  const [scope = '', name = ''] = random.pick(keys).split('/');
  return { kind, scope, name };
}

function newValue(model: Model, random: Seeded): Operation {
  const fresh = `${random.pick(['workspace', 'work', USER_SCOPE])}/NEW_${String(random.below(20))}`;
  const [scope = '', name = ''] = (random.below(3) === 0 ? fresh : random.pick([...Object.keys(model), fresh])).split('/');
  return { kind: 'set', scope, name, value: valueFrom(random) };
}

/** A value that no other one equals, up to some thousand characters. */
export function valueFrom(random: Seeded): string {
  return `${String(random.next())}${'-'.repeat(random.below(random.below(5) === 0 ? 4_000 : 60))}`;
}

function withValue(model: Model, key: string, value: string): Model {
  const old = model[key] ?? [];
  return { ...model, [key]: [...old, { version: (old.at(-1)?.version ?? 0) + 1, value }].slice(-KEPT) };
}

function restored(model: Model, [key, versions]: readonly [string, readonly Version[]]): Model {
  const value = versions.at(-1)?.value ?? '';
  if (model[key] === undefined) return { ...model, [key]: versions };
  return model[key].at(-1)?.value === value ? model : withValue(model, key, value);
}

function keyOf({ scope, name }: { readonly scope: string; readonly name: string }): string {
  return `${scope}/${name}`;
}

function isUsers(key: string): boolean {
  return key.startsWith(`${USER_SCOPE}/`);
}
