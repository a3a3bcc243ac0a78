import { SecretsError } from '../shared/errors';
import { normalizeName } from '../vault/name';
import { allowOptions, numberOption } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { isoTime, scopeOf } from './secretCommands';
import { table } from './table';

/** `secret versions`: newest first. */
export function listVersions(input: Arguments, name: string, { vaults }: Headless): string {
  allowOptions(input, ['scope', 'json']);
  const scope = scopeOf(input);
  const versions = vaults
    .of(scope)
    .versions(name, scope)
    .map(({ createdAt, expiresAt, ...version }) => ({
      ...version,
      createdAt: isoTime(createdAt),
      ...(expiresAt === undefined ? {} : { expiresAt: isoTime(expiresAt) }),
    }));
  if (input.options.json === true) return `${JSON.stringify(versions)}\n`;
  return table(
    ['VERSION', 'SET', 'EXPIRES', ''],
    versions.map((v) => [String(v.version), v.createdAt, v.expiresAt ?? '-', v.current ? 'current' : '']),
  );
}

/** `secret rollback`. */
export async function rollbackSecret(input: Arguments, name: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope', 'to']);
  const scope = scopeOf(input);
  const to = versionNumber('to', input.options.to);
  const info = await vaults.of(scope).rollback(name, 'cli', scope, to);
  return `${info.name} has its ${to === undefined ? 'previous value' : `value of version ${String(to)}`} again (version ${String(info.version)}).\n`;
}

/** `secret prune`: destroys earlier versions. */
export async function pruneSecret(input: Arguments, name: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope', 'number']);
  const scope = scopeOf(input);
  const number = versionNumber('number', input.options.number);
  const gone = await vaults.of(scope).destroyVersions(name, 'cli', scope, number === undefined ? undefined : [number]);
  const which = gone.length === 0 ? 'no earlier versions' : `version${gone.length === 1 ? '' : 's'} ${gone.join(', ')}`;
  return gone.length === 0 ? `${normalizeName(name)} has ${which}.\n` : `Destroyed ${which} of ${normalizeName(name)}.\n`;
}

function versionNumber(option: string, text: string | undefined): number | undefined {
  const number = numberOption(option, text, 0, 999_999_999);
  if (text !== undefined && number < 1) throw new SecretsError('usage', { problem: `--${option} takes the number of a version.` });
  return text === undefined ? undefined : number;
}
