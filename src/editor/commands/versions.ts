import { SecretsError } from '../../shared/errors';
import type { VersionInfo } from '../../vault/secret';
import { labelOf } from '../secretRef';
import type { SecretRef } from '../secretRef';
import { expiryWords } from '../secretState';
import { ago, count } from '../views/format';
import type { Workspace } from '../workspace';
import type { WorkspaceCommand } from './command';
import { confirm } from './pick';
import { infoOf, pickSecret, receiversOf, versionIn } from './pickSecret';

/** The commands about earlier versions of secrets. */
export const versionCommands = {
  'mcpSecrets.rollbackSecret': { needs: 'vault', run: rollbackSecret },
  'mcpSecrets.destroyVersions': { needs: 'vault', run: destroyVersions },
} satisfies Record<string, WorkspaceCommand>;

/** Makes the value before the current one current again, or that of the version it was called with. */
async function rollbackSecret(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Roll Back Secret', ({ version }) => version > 1);
  if (secret === undefined) return;
  const { current, earlier } = versionsOf(workspace, secret);
  const wanted = versionIn(argument);
  const to = wanted === undefined ? earlier[0] : earlier.find(({ version }) => version === wanted);
  if (to === undefined) throw new SecretsError('nothingToRollBack', { name: secret.name });

  const receivers = receiversOf(workspace, secret);
  const detail = [
    `The value of ${dated(to)} becomes current again, as v${String(current.version + 1)}. ${dated(current)} stays among the earlier versions.`,
    ...(receivers.length > 0 ? [`From the next call on ${receivers.join(', ')} will receive it.`] : []),
  ].join('\n');
  const question = `Roll ${labelOf(secret)} back from v${String(current.version)} to v${String(to.version)}?`;
  if (!(await confirm(question, detail, 'Roll Back'))) return;
  // By number: meanwhile there may be a newer version, and what was asked about is this one.
  const { version } = await workspace.vaults.of(secret.scope).rollback(secret.name, 'user', secret.scope, to.version);
  workspace.messages.done(`${labelOf(secret)} has its value of v${String(to.version)} again, as v${String(version)}`);
}

/** Destroys all earlier versions, or the one it was called with. */
async function destroyVersions(workspace: Workspace, argument: unknown): Promise<void> {
  const secret = await pickSecret(workspace, argument, 'Destroy Earlier Versions', ({ version }) => version > 1);
  if (secret === undefined) return;
  const { earlier } = versionsOf(workspace, secret);
  const wanted = versionIn(argument);
  const doomed = wanted === undefined ? earlier : earlier.filter(({ version }) => version === wanted);
  if (doomed.length === 0) throw new SecretsError('nothingToRollBack', { name: secret.name });

  const detail = [...doomed.map(dated), '', 'They cannot be brought back. The current version stays.'].join('\n');
  if (!(await confirm(`Destroy ${count(doomed.length, 'earlier version')} of ${labelOf(secret)}?`, detail, 'Destroy'))) return;
  const numbers = doomed.map(({ version }) => version);
  const gone = await workspace.vaults.of(secret.scope).destroyVersions(secret.name, 'user', secret.scope, numbers);
  workspace.messages.done(`${count(gone.length, 'earlier version')} of ${labelOf(secret)} destroyed`);
}

function versionsOf(workspace: Workspace, secret: SecretRef): { current: VersionInfo; earlier: VersionInfo[] } {
  infoOf(workspace, secret);
  const all = workspace.vaults.of(secret.scope).versions(secret.name, secret.scope);
  const current = all.find((version) => version.current);
  if (current === undefined) throw new SecretsError('secretUnreadable', { name: secret.name });
  return { current, earlier: all.filter((version) => !version.current) };
}

/** `v2 (set 3 days ago, 19/11/2026, 10:12:00; expires in 5 days)`. */
function dated(info: VersionInfo): string {
  const expiry = expiryWords(info, Date.now());
  const set = `set ${ago(info.createdAt)}, ${new Date(info.createdAt).toLocaleString()}`;
  return `v${String(info.version)} (${set}${expiry === undefined ? '' : `; ${expiry}`})`;
}
