import { systemClock } from '../shared/clock';
import { formatDuration } from '../shared/duration';
import { SecretsError } from '../shared/errors';
import { freshnessOf } from '../vault/freshness';
import { normalizeName } from '../vault/name';
import { DEFAULT_SCOPE, toldScope } from '../vault/secret';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { readValue } from './input';
import { scheduleOptions } from './scheduleOptions';
import { table } from './table';

/** `secret set`. */
export async function setSecret(input: Arguments, name: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope', 'expires', 'rotate-every']);
  // Not quoted: what stands behind the sign is most likely the value.
  if (name.includes('='))
    throw new SecretsError('usage', { problem: 'The name of a secret has no "=". The value comes from standard input or a prompt.' });
  const normalized = normalizeName(name);
  const scope = scopeOf(input);
  const schedule = scheduleOptions(input, systemClock.now());
  const value = await readValue(normalized, process.stdin, process.stderr);
  const info = await vaults.of(scope).set(normalized, value, 'cli', scope, schedule);
  return `${info.name} is set (version ${String(info.version)}).\n`;
}

/** `secret list`. */
export function listSecrets(input: Arguments, headless: Headless): string {
  allowOptions(input, ['json', 'scope']);
  const { scope } = input.options;
  const now = systemClock.now();
  const infos = headless.vaults.list().filter((info) => scope === undefined || info.scope === scope);
  const secrets = infos.map((info) => {
    const { createdAt, updatedAt, expiresAt, ...rest } = info;
    const expires = expiresAt === undefined ? {} : { expiresAt: isoTime(expiresAt) };
    return { ...rest, createdAt: isoTime(createdAt), updatedAt: isoTime(updatedAt), ...expires, state: freshnessOf(info, now) };
  });
  if (input.options.json === true) return `${JSON.stringify(secrets)}\n`;
  if (secrets.length === 0) return emptyText(headless);
  return table(
    ['NAME', 'SCOPE', 'VERSION', 'CREATED', 'UPDATED', 'EXPIRES', 'STATE'],
    secrets.map((s) => [s.name, s.scope, String(s.version), s.createdAt, s.updatedAt, s.expiresAt ?? '-', s.state]),
  );
}

/** `secret get`: the one way to see a value, recorded. */
export async function getSecret(input: Arguments, name: string, { vaults, audit }: Headless): Promise<Buffer> {
  allowOptions(input, ['reveal', 'scope']);
  const normalized = normalizeName(name);
  const scope = scopeOf(input);
  if (input.options.reveal !== true) throw new SecretsError('revealRefused', { name: normalized });
  const [secret] = await vaults.open([normalized], scope);
  if (secret === undefined) throw new SecretsError('secretMissing', { names: [normalized], ...toldScope(scope) });
  audit.record({
    actor: 'cli',
    action: 'secret.reveal',
    ...toldScope(scope),
    secrets: [normalized],
    versions: { [normalized]: secret.version },
    outcome: 'ok',
  });
  return secret.value;
}

/** `secret delete`. */
export async function deleteSecret(input: Arguments, name: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope']);
  const scope = scopeOf(input);
  await vaults.of(scope).delete(name, 'cli', scope);
  return `${normalizeName(name)} is deleted.\n`;
}

/** `secret expire`: changes the dates of a secret and leaves its value. */
export async function expireSecret(input: Arguments, name: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope', 'expires', 'rotate-every']);
  const schedule = scheduleOptions(input, systemClock.now());
  if (Object.keys(schedule).length === 0) throw new SecretsError('usage', { problem: 'Give --expires, --rotate-every or both.' });
  const scope = scopeOf(input);
  const { expiresAt, rotateEveryMs, name: normalized } = await vaults.of(scope).schedule(name, 'cli', scope, schedule);
  const expiry = expiresAt === undefined ? 'does not expire' : `expires ${isoTime(expiresAt)}`;
  const rotate = rotateEveryMs === undefined ? '' : `, a new value is due every ${formatDuration(rotateEveryMs)}`;
  return `${normalized} ${expiry}${rotate}.\n`;
}

/** The scope of `--scope`, else the default one. */
export function scopeOf({ options }: Arguments): string {
  return options.scope ?? DEFAULT_SCOPE;
}

/** A time as it is printed. @param ms since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A folder that was cloned again has servers, and the secrets may be in a backup. */
function emptyText({ servers }: Headless): string {
  const bound = [...servers.file().servers.values()].some(({ bindings }) => bindings.length > 0);
  const hint = bound ? ' Or, if they are in a backup: "mcp-secrets backup restore FILE".' : '';
  return `No secrets. Add one with "mcp-secrets secret set NAME".${hint}\n`;
}
