import * as vscode from 'vscode';
import { systemClock } from '../../shared/clock';
import { isSecretsError } from '../../shared/errors';
import { backupKeyKind, createBackup, readBackup } from '../../vault/backup/backup';
import type { Backup } from '../../vault/backup/document';
import type { LockingKey, OpeningKey } from '../../vault/backup/key';
import { askNewPassphrase, askPassphrase } from '../passphrase';
import { askWhatToOpen, readWhole } from './files';

/** The most bytes of an identity file. */
const MAX_IDENTITY_BYTES = 64 * 1024;

/** Asks what a new backup is to be locked with. `undefined`: the user gave up. The caller hands it to `forgetKey` after use. */
export async function askLockingKey(title: string): Promise<LockingKey | undefined> {
  const items = [
    { label: '$(lock) By passphrase', description: 'whoever knows it can open the backup', byPassphrase: true },
    { label: '$(key) To age recipients', description: 'only who has the identity of one of them can', byPassphrase: false },
  ];
  const placeHolder = 'How is it to be locked?';
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder, ignoreFocusOut: true });
  if (picked === undefined) return undefined;
  if (!picked.byPassphrase) return askRecipients(title);
  const passphrase = await askNewPassphrase(title);
  return passphrase && { passphrase };
}

/** Asks for what opens a backup until it does. `undefined`: the user gave up. The caller overwrites the values. @throws as `readBackup`. */
export async function openBackup(file: Uint8Array, title: string): Promise<Backup | undefined> {
  const byPassphrase = (await backupKeyKind(file)) === 'passphrase';
  for (let isFirst = true; ; isFirst = false) {
    const key = byPassphrase ? await askBackupPassphrase(title, isFirst) : await askIdentities(title);
    if (key === undefined) return undefined;
    try {
      return await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'Opening the backup' }, () =>
        readBackup(file, key),
      );
    } catch (error) {
      if (!byPassphrase || !isSecretsError(error, 'backupWrongKey')) throw error;
    } finally {
      forgetKey(key);
    }
  }
}

/** Overwrites a passphrase. */
export function forgetKey(key: LockingKey | OpeningKey): void {
  if ('passphrase' in key) key.passphrase.fill(0);
}

async function askRecipients(title: string): Promise<LockingKey | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt: 'One or more age recipients ("age1…"), with spaces between',
    placeHolder: 'age1…',
    ignoreFocusOut: true,
    validateInput: (typed) => (typed.trim() === '' ? undefined : whyNot(recipientsIn(typed))),
  });
  const recipients = recipientsIn(text ?? '');
  return recipients.length === 0 ? undefined : { recipients };
}

/** Whether a backup can be made to them is seen by making one of nothing. */
async function whyNot(recipients: readonly string[]): Promise<string | undefined> {
  try {
    await createBackup({ snapshots: [], serversFile: '', workspace: '', clock: systemClock, key: { recipients } });
    return undefined;
  } catch (error) {
    if (isSecretsError(error)) return error.message;
    throw error;
  }
}

function recipientsIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

async function askBackupPassphrase(title: string, isFirst: boolean): Promise<OpeningKey | undefined> {
  const passphrase = await askPassphrase(
    title,
    isFirst ? 'The passphrase of the backup' : 'It does not open with this passphrase. Try another one',
  );
  return passphrase && { passphrase };
}

async function askIdentities(title: string): Promise<OpeningKey | undefined> {
  const path = await askWhatToOpen(`${title}: Identity File`, 'Use Identity');
  if (path === undefined) return undefined;
  const bytes = await readWhole(path, MAX_IDENTITY_BYTES);
  try {
    return { identities: bytes.toString('utf8') };
  } finally {
    bytes.fill(0);
  }
}
