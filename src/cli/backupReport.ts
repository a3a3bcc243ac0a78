import type { ComparedServer } from '../bindings/compare';
import { visible } from '../shared/visible';
import type { Backup } from '../vault/backup/document';
import type { PlannedSecret } from '../vault/backup/restore';
import type { Damage } from '../vault/opening';
import type { SecretInfo, SecretSnapshot } from '../vault/secret';
import { isoTime } from './secretCommands';
import { table } from './table';

/** What `backup restore` has found and done. */
export interface Restored {
  readonly backup: Backup;
  /** All secrets of the backup. */
  readonly planned: readonly PlannedSecret[];
  /** Those that were restored, or would be. */
  readonly secrets: readonly PlannedSecret[];
  /** All servers of the backup. */
  readonly compared: readonly ComparedServer[];
  /** Those that were restored, or would be. */
  readonly servers: readonly ComparedServer[];
  readonly dryRun: boolean;
}

/** What a backup holds, and what it does not. @param damage what did not open. */
export function describeCreated(
  path: string,
  snapshots: readonly SecretSnapshot[],
  hasServers: boolean,
  damage: readonly Damage[],
): string {
  const versions = snapshots.reduce((sum, snapshot) => sum + snapshot.versions.length, 0);
  const lost = damage.map((d) => `${idOf(d)}${d.version === undefined ? '' : ` version ${String(d.version)}`}`);
  return [
    `${path} holds ${count(snapshots.length, 'secret')} with ${count(versions, 'version')}${hasServers ? ' and the servers file' : ''}.`,
    ...(lost.length === 0 ? [] : [`Left out, because it does not open: ${lost.join(', ')}.`]),
    '',
  ].join('\n');
}

/** The preview of a backup and what came of it, as text or as one line of JSON. */
export function describeRestored(result: Restored, json: boolean): string {
  return json ? jsonOf(result) : textOf(result);
}

/** A secret as it is named where several scopes are in question. */
export function idOf({ scope, name }: Pick<SecretInfo, 'scope' | 'name'>): string {
  return `${scope}/${name}`;
}

function jsonOf({ backup, planned, secrets, compared, servers, dryRun }: Restored): string {
  const result = {
    createdAt: isoTime(backup.createdAt),
    workspace: backup.workspace,
    secrets: planned.map((secret) => ({
      scope: secret.backup.scope,
      name: secret.backup.name,
      state: secret.state,
      backup: { version: secret.backup.version, updatedAt: isoTime(secret.backup.updatedAt), versions: secret.snapshot.versions.length },
      ...(secret.current === undefined
        ? {}
        : { current: { version: secret.current.version, updatedAt: isoTime(secret.current.updatedAt) } }),
      restored: !dryRun && secrets.includes(secret),
    })),
    servers: compared.map((server) => ({ ...server, restored: !dryRun && servers.includes(server) })),
  };
  return `${JSON.stringify(result)}\n`;
}

function textOf(result: Restored): string {
  const { backup, planned, compared } = result;
  const rows = planned.map(({ state, backup: there, current }) => [
    there.name,
    there.scope,
    state,
    versionOf(there),
    current === undefined ? '-' : versionOf(current),
  ]);
  return [
    `A backup of "${visible(backup.workspace)}" from ${isoTime(backup.createdAt)}.\n`,
    rows.length === 0 ? '' : `\n${table(['NAME', 'SCOPE', 'STATE', 'IN THE BACKUP', 'HERE'], rows)}`,
    compared.length === 0
      ? ''
      : `\n${table(
          ['SERVER', 'STATE'],
          compared.map(({ name, state }) => [name, state]),
        )}`,
    '\n',
    ...outcomeOf(result).map((line) => `${line}\n`),
  ].join('');
}

function outcomeOf({ planned, secrets, compared, servers, dryRun }: Restored): string[] {
  const older = planned.filter((secret) => secret.state === 'older' && !secrets.includes(secret));
  const otherServers = compared.filter((server) => (server.state === 'new' || server.state === 'changed') && !servers.includes(server));
  const done = [...secrets.map(({ backup }) => idOf(backup)), ...servers.map(({ name }) => `the server "${visible(name)}"`)].join(', ');
  return [
    dryRun
      ? `Nothing was changed. ${done === '' ? 'There is nothing to restore.' : `Without --dry-run this restores ${done}.`}`
      : done === ''
        ? 'There was nothing to restore.'
        : `Restored ${done}.`,
    ...(older.length === 0
      ? []
      : [
          `Set here after the backup was made: ${older.map(({ backup }) => idOf(backup)).join(', ')}. --include-older restores these, too.`,
        ]),
    ...(otherServers.length === 0 ? [] : [`--servers restores the servers that are new or changed.`]),
    ...(dryRun || servers.length === 0
      ? []
      : ['Servers need your approval: "mcp-secrets server approve NAME" shows the plan and approves it.']),
  ];
}

function versionOf({ version, updatedAt }: SecretInfo): string {
  return `version ${String(version)}, ${isoTime(updatedAt)}`;
}

function count(n: number, what: string): string {
  return `${String(n)} ${what}${n === 1 ? '' : 's'}`;
}
