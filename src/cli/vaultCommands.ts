import { SecretsError } from '../shared/errors';
import { DEFAULT_SCOPE, USER_SCOPE } from '../vault/secret';
import type { Vault } from '../vault/vault';
import type { Vaults } from '../vault/vaults';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/** `lock`, `panic`: running proxies of this workspace notice within a second. */
export async function lockVault(input: Arguments, kind: 'locked' | 'panic', { vaults, agents }: Headless): Promise<string> {
  allowOptions(input, []);
  try {
    await vaults.lock('cli', kind);
  } finally {
    if (kind === 'panic' && agents.list().some(({ tokens }) => tokens.length > 0)) await agents.revokeAll('cli');
  }
  const more = kind === 'panic' ? ' Calls that are under way end, servers are stopped, agents need new tokens.' : '';
  return `The vault is locked.${more} Unlock it with "mcp-secrets unlock".\n`;
}

/** `unlock`. */
export async function unlockVault(input: Arguments, { vaults }: Headless): Promise<string> {
  allowOptions(input, []);
  await vaults.unlock('cli');
  return 'The vault is unlocked.\n';
}

/** `vault check`: opens every version of every secret. Fails if one does not open. */
export async function checkVault(input: Arguments, { vaults }: Headless): Promise<string> {
  allowOptions(input, []);
  const damage = [...(await vaults.workspace.check()), ...(await vaults.user.check())];
  if (damage.length === 0) return `All ${String(vaults.list().length)} secrets open.\n`;
  const named = damage.map(({ scope, name, version }) => `${scope}/${name}${version === undefined ? '' : ` version ${String(version)}`}`);
  throw new SecretsError('secretsDamaged', { named });
}

/** `vault recover`. */
export async function recoverVault(input: Arguments, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope']);
  const { kept, unreadable, missing, previous } = await vaultOf(input, vaults).recover('cli');
  const lost = unreadable.map(({ scope, name }) => `${scope}/${name}`).join(', ');
  return [
    previous ? 'The stored vault could not be read. The state before its last change was taken.' : 'The stored vault is accepted as it is.',
    `${String(kept)} secret${kept === 1 ? '' : 's'} can be used.`,
    ...(missing === 0 ? [] : [`${String(missing)} more were there and are gone. Restore a backup.`]),
    ...(lost === '' ? [] : [`These cannot be opened and were left as they are: ${lost}. Set them again, or restore a backup.`]),
    '',
  ].join('\n');
}

/** `vault fresh`: moves a vault that does not open aside. */
export async function startFresh(input: Arguments, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['scope', 'yes']);
  const vault = vaultOf(input, vaults);
  confirmed(input, 'This moves the vault aside; its secrets have to be set again, or restored from a backup.');
  const where = await vault.startFresh('cli');
  return `The vault was moved to ${where}. A new one begins with the next secret.\n`;
}

/** `vault destroy`: of this workspace. */
export async function destroyVault(input: Arguments, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['yes']);
  confirmed(
    input,
    'This destroys all secrets of this workspace, with all versions, also those that "vault fresh" has moved aside; only a backup can bring them back.',
  );
  await vaults.workspace.destroyAll('cli');
  return 'All secrets of this workspace are destroyed.\n';
}

/** `scope list`. */
export function listScopes(input: Arguments, { vaults, servers }: Headless): string {
  allowOptions(input, ['json']);
  const scopes = new Map<string, { scope: string; secrets: string[]; servers: string[] }>();
  const of = (scope: string): { secrets: string[]; servers: string[] } => {
    const known = scopes.get(scope) ?? { scope, secrets: [], servers: [] };
    scopes.set(scope, known);
    return known;
  };
  for (const { scope, name } of vaults.list()) of(scope).secrets.push(name);
  for (const { scope, name } of servers.file().servers.values()) of(scope).servers.push(name);
  const all = [...scopes.values()].sort((a, b) => (a.scope < b.scope ? -1 : 1));
  if (input.options.json === true) return `${JSON.stringify(all)}\n`;
  return table(
    ['SCOPE', 'SECRETS', 'SERVERS'],
    all.map((s) => [s.scope, s.secrets.join(' ') || '-', s.servers.join(' ') || '-']),
  );
}

/** `scope delete`: names what goes, and goes only with --yes. */
export async function deleteScope(input: Arguments, scope: string, { vaults }: Headless): Promise<string> {
  allowOptions(input, ['yes']);
  const names = vaults.list().flatMap((info) => (info.scope === scope ? [info.name] : []));
  if (names.length === 0) throw new SecretsError('scopeMissing', { scope });
  confirmed(input, `This deletes ${names.join(', ')} with all versions.`);
  const gone = await vaults.of(scope).deleteScope(scope, 'cli');
  return `Deleted ${gone.join(', ')}.\n`;
}

/** The vault that `--scope` means. Scopes of the workspace have no vaults of their own: who names one may think so. */
function vaultOf({ options: { scope = DEFAULT_SCOPE } }: Arguments, vaults: Vaults): Vault {
  if (scope === DEFAULT_SCOPE || scope === USER_SCOPE) return vaults.of(scope);
  throw new SecretsError('usage', {
    problem: `There are two vaults: that of the workspace, and with --scope ${USER_SCOPE} the shared one.`,
  });
}

function confirmed({ options }: Arguments, what: string): void {
  if (options.yes !== true) throw new SecretsError('usage', { problem: `${what} Say --yes if that is what you want.` });
}
