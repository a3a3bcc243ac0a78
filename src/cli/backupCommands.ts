import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { compareServers, mergeServers } from '../bindings/compare';
import { writeFileAtomic } from '../shared/atomicFile';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { storeFailure } from '../shared/storeFailure';
import { backupKeyKind, createBackup, MAX_BACKUP_BYTES, readBackup } from '../vault/backup/backup';
import { eraseValues } from '../vault/backup/document';
import type { Backup } from '../vault/backup/document';
import type { LockingKey, OpeningKey } from '../vault/backup/key';
import { previewRestore } from '../vault/backup/restore';
import type { PlannedSecret } from '../vault/backup/restore';
import { normalizeName } from '../vault/name';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import { describeCreated, describeRestored, idOf } from './backupReport';
import type { Restored } from './backupReport';
import type { Headless } from './headless';
import { readPassphrase } from './input';

/** The most bytes of an identity file. */
const MAX_IDENTITY_BYTES = 64 * 1024;

/** `backup create`. */
export async function createBackupFile(input: Arguments, path: string, headless: Headless): Promise<string> {
  const { recipient, force, 'passphrase-file': passphraseFile, 'with-user': withUser = false } = input.options;
  allowOptions(input, ['recipient', 'passphrase-file', 'with-user', 'force']);
  const refuseToReplace = (): void => {
    if (force !== true && existsSync(path)) throw new SecretsError('backupExists', { path });
  };
  refuseToReplace();
  if (recipient !== undefined && passphraseFile !== undefined)
    throw new SecretsError('usage', { problem: 'Give either --recipient or --passphrase-file.' });
  const key: LockingKey = recipient === undefined ? { passphrase: await passphraseOf(passphraseFile, true) } : { recipients: recipient };
  try {
    const { vaults, servers, audit } = headless;
    const damage = [...(await vaults.workspace.check()), ...(withUser ? await vaults.user.check() : [])];
    const serversFile = servers.text();
    const snapshots = await vaults.snapshot(withUser);
    if (snapshots.length === 0 && serversFile === '')
      throw new SecretsError('backupFailed', { why: 'there are no secrets and no servers here' });
    const file = await createBackup({ snapshots, serversFile, workspace: basename(servers.folder), clock: systemClock, key });
    write(path, file, { confirm: refuseToReplace });
    audit.record({ actor: 'cli', action: 'backup.create', secrets: snapshots.map(({ name }) => name), outcome: 'ok' });
    return describeCreated(path, snapshots, serversFile !== '', damage);
  } finally {
    forget(key);
  }
}

/** `backup restore`: shows what is in a backup and what is here; without `--dry-run` takes over what is new or newer. */
export async function restoreBackupFile(input: Arguments, path: string, headless: Headless): Promise<string> {
  const { options } = input;
  allowOptions(input, ['identity', 'passphrase-file', 'dry-run', 'only', 'servers', 'include-older', 'json']);
  const backup = await open(path, input);
  try {
    const { vaults, servers, audit } = headless;
    const planned = await previewRestore(backup.secrets, vaults);
    const secrets = chosen(planned, options.only, options['include-older'] === true);
    const compared = compareServers(servers.text(), backup.serversFile ?? '');
    const ofServers = options.servers === true ? compared.filter(({ state }) => state === 'new' || state === 'changed') : [];
    const dryRun = options['dry-run'] === true;
    if (!dryRun) {
      const names = ofServers.map(({ name }) => name);
      const merge = (text: string): string => mergeServers(text, backup.serversFile ?? '', names);
      // First, because it fails where the servers file here has a syntax error.
      if (names.length > 0) merge(servers.text());
      await vaults.restore(
        secrets.map(({ snapshot }) => snapshot),
        'cli',
      );
      if (names.length > 0) await servers.edit((text, write) => write(merge(text)));
      for (const { name, state } of ofServers) {
        audit.record({ actor: 'cli', action: state === 'new' ? 'server.add' : 'server.update', server: name, outcome: 'ok' });
      }
    }
    const result: Restored = { backup, planned, secrets, compared, servers: ofServers, dryRun };
    return describeRestored(result, options.json === true);
  } finally {
    eraseValues(backup.secrets);
  }
}

/** What is to be restored. @throws SecretsError `usage` if a secret is asked for that the backup does not hold. */
function chosen(planned: readonly PlannedSecret[], only: readonly string[] | undefined, older: boolean): PlannedSecret[] {
  const wanted = new Set(only?.flatMap((text) => matching(planned, text)) ?? planned);
  return planned.filter((secret) => wanted.has(secret) && (secret.state === 'older' ? older : secret.state !== 'same'));
}

/** The secrets that `NAME` (in any scope) or `SCOPE/NAME` means. */
function matching(planned: readonly PlannedSecret[], text: string): PlannedSecret[] {
  const slash = text.indexOf('/');
  const name = normalizeName(text.slice(slash + 1));
  const found = planned.filter(({ backup }) => backup.name === name && (slash < 0 || backup.scope === text.slice(0, slash)));
  if (found.length > 0) return found;
  const known = planned.map(({ backup }) => idOf(backup));
  throw new SecretsError('usage', { problem: `The backup holds no ${name}. It holds: ${known.slice(0, 20).join(', ') || 'no secrets'}.` });
}

async function open(path: string, { options }: Arguments): Promise<Backup> {
  const { identity, 'passphrase-file': passphraseFile } = options;
  if (identity !== undefined && passphraseFile !== undefined)
    throw new SecretsError('usage', { problem: 'Give either --identity or --passphrase-file.' });
  const file = read(path, MAX_BACKUP_BYTES);
  if (identity === undefined && passphraseFile === undefined && (await backupKeyKind(file)) === 'identity')
    throw new SecretsError('usage', { problem: 'This backup was made to recipients: name a file with an identity by --identity.' });
  const key: OpeningKey =
    identity === undefined
      ? { passphrase: await passphraseOf(passphraseFile, false) }
      : { identities: read(identity, MAX_IDENTITY_BYTES).toString('utf8') };
  try {
    return await readBackup(file, key);
  } finally {
    forget(key);
  }
}

/** The passphrase of the backup, which is another one than that of the key. */
function passphraseOf(file: string | undefined, isNew: boolean): Promise<Buffer> {
  if (file === undefined && !process.stdin.isTTY) {
    const other = isNew ? '--recipient' : '--identity';
    throw new SecretsError('usage', { problem: `There is no terminal to ask for the passphrase: give --passphrase-file or ${other}.` });
  }
  return readPassphrase(file, 'Passphrase of the backup', isNew, process);
}

function forget(key: LockingKey | OpeningKey): void {
  if ('passphrase' in key) key.passphrase.fill(0);
}

function read(path: string, limit: number): Buffer {
  try {
    if (statSync(path).size <= limit) return readFileSync(path);
  } catch (error) {
    throw storeFailure(path, error);
  }
  throw new SecretsError('storeFailed', { path, reason: `it has more than ${String(limit)} bytes` });
}

function write(path: string, content: string | Uint8Array, options: Parameters<typeof writeFileAtomic>[2]): void {
  try {
    writeFileAtomic(path, content, options);
  } catch (error) {
    throw storeFailure(path, error);
  }
}
