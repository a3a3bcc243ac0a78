import * as vscode from 'vscode';
import { isSecretsError, messageOf } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { ErrorDetails } from '../shared/words';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { CommandId } from './ids';
import { notify } from './notify';
import type { SecretRef } from './secretRef';

interface Action {
  readonly title: string;
  readonly command: CommandId | 'workbench.trust.manage' | 'workbench.action.openSettings' | 'vscode.openFolder';
  readonly argument?: string | SecretRef | ErrorDetails['auditBroken'];
}

/** The only place that tells people what went wrong, with the actions that help. */
export class Messages {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Shows an error and logs it. Resolves when the user has answered (or dismissed) the message. */
  async showError(error: unknown): Promise<void> {
    const message = messageOf(error);
    this.#logger.error(message + framesOf(error));
    const actions = actionsFor(error);
    const chosen = await notify('error', message, ...actions.map((action) => action.title));
    const action = actions.find(({ title }) => title === chosen);
    if (action !== undefined) await vscode.commands.executeCommand(action.command, action.argument);
  }

  /** Confirms something small that the user has just done, where it does not get in the way. */
  done(message: string): void {
    vscode.window.setStatusBarMessage(`$(check) ${message}`, 5_000);
  }
}

function actionsFor(error: unknown): Action[] {
  if (isSecretsError(error, 'secretMissing') || isSecretsError(error, 'secretUnreadable')) {
    const [name] = 'names' in error.details ? error.details.names : [error.details.name];
    const scope = ('scope' in error.details ? error.details.scope : undefined) ?? DEFAULT_SCOPE;
    return [{ title: 'Add Secret', command: 'mcpSecrets.addSecret', ...(name === undefined ? {} : { argument: { scope, name } }) }];
  }
  if (isSecretsError(error, 'serverUnapproved'))
    return [{ title: 'Review', command: 'mcpSecrets.approveServer', argument: error.details.server }];
  if (isSecretsError(error, 'serverStopped'))
    return [{ title: 'Start', command: 'mcpSecrets.startServer', argument: error.details.server }];
  if (isSecretsError(error, 'serverInvalid'))
    return [{ title: 'Open File', command: 'mcpSecrets.editServer', argument: error.details.server }];
  if (isSecretsError(error, 'serversFileInvalid')) return [{ title: 'Open File', command: 'mcpSecrets.openServersFile' }];
  if (isSecretsError(error, 'serverUnknown')) return [{ title: 'Add Server', command: 'mcpSecrets.addServer' }];
  if (isSecretsError(error, 'vaultOlder') || isSecretsError(error, 'vaultAltered') || isSecretsError(error, 'vaultDamaged'))
    return [{ title: 'Recover…', command: 'mcpSecrets.recoverVault' }];
  if (isSecretsError(error, 'keyLost') || isSecretsError(error, 'vaultUnrecoverable'))
    return [
      { title: 'Restore Backup…', command: 'mcpSecrets.restoreBackup' },
      { title: 'Start Fresh…', command: 'mcpSecrets.startFresh' },
    ];
  // Only the key of a workspace can be under a passphrase.
  if (isSecretsError(error, 'keyNotKept') && error.details.scope === undefined)
    return [{ title: 'Use a Passphrase…', command: 'mcpSecrets.protectKey' }];
  if (isSecretsError(error, 'locked') || isSecretsError(error, 'passphraseNeeded'))
    return [{ title: 'Unlock', command: 'mcpSecrets.unlockVault' }];
  if (isSecretsError(error, 'auditBroken')) return [{ title: 'Show File', command: 'mcpSecrets.showAuditFile', argument: error.details }];
  if (isSecretsError(error, 'streamInvalid'))
    return [{ title: 'Open Settings', command: 'workbench.action.openSettings', argument: 'mcpSecrets.audit' }];
  if (isSecretsError(error, 'untrusted')) return [{ title: 'Manage Workspace Trust', command: 'workbench.trust.manage' }];
  if (isSecretsError(error, 'noFolder')) return [{ title: 'Open Folder', command: 'vscode.openFolder' }];
  return [{ title: 'Show Log', command: 'mcpSecrets.showLog' }];
}

/** Where an error that is not ours came from. Its own words are left out: they can quote what it was given. */
function framesOf(error: unknown): string {
  if (isSecretsError(error) || !(error instanceof Error)) return '';
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  return frames.map((line) => `\n${line}`).join('');
}
