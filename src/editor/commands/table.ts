import * as vscode from 'vscode';
import { SecretsError } from '../../shared/errors';
import type { Container } from '../container';
import type { CommandId } from '../ids';
import { commandIds } from '../ids';
import type { Workspace } from '../workspace';
import { activityCommands } from './activity';
import { agentAccessCommands } from './agentAccess';
import { agentCommands } from './agents';
import { approvalCommands } from './approvals';
import { addServer } from './addServer';
import { auditCommands } from './audit';
import { backupCommands } from './backup';
import { chooseSecrets } from './chooseSecrets';
import type { GlobalCommand, WorkspaceCommand } from './command';
import { policyCommands } from './policy';
import { restoreCommands } from './restore';
import { scheduleCommands } from './schedule';
import { scopeCommands } from './scopes';
import { secretCommands } from './secrets';
import { serverCommands } from './servers';
import { toolCommands } from './tools';
import { vaultCommands } from './vault';
import { versionCommands } from './versions';

const table: Record<CommandId, GlobalCommand | WorkspaceCommand> = {
  ...secretCommands,
  ...versionCommands,
  ...scheduleCommands,
  ...scopeCommands,
  ...serverCommands,
  ...approvalCommands,
  ...agentCommands,
  ...agentAccessCommands,
  ...vaultCommands,
  ...activityCommands,
  ...auditCommands,
  ...backupCommands,
  ...restoreCommands,
  ...toolCommands,
  ...policyCommands,
  'mcpSecrets.addServer': { needs: 'trust', run: addServer },
  'mcpSecrets.chooseSecrets': { needs: 'trust', run: chooseSecrets },
  'mcpSecrets.showLog': {
    needs: 'nothing',
    run: ({ log }) => {
      log.show();
    },
  },
  'mcpSecrets.refresh': {
    needs: 'nothing',
    run: (container) => {
      container.refresh();
    },
  },
};

/** Registers every command, in every state: one that cannot run says why. */
export function registerCommands(container: Container): vscode.Disposable {
  const run = async (command: GlobalCommand | WorkspaceCommand, args: unknown[]): Promise<void> => {
    try {
      if (command.needs === 'nothing') await command.run(container, ...args);
      else await command.run(await workspaceFor(command.needs, container), ...args);
    } catch (error) {
      await container.messages.showError(error);
    }
  };
  return vscode.Disposable.from(
    ...commandIds.map((id) => vscode.commands.registerCommand(id, (...args: unknown[]) => run(table[id], args))),
  );
}

async function workspaceFor(needs: WorkspaceCommand['needs'], { workspace, state }: Container): Promise<Workspace> {
  if (workspace === undefined) throw new SecretsError('noFolder', {});
  if (needs === 'folder') return workspace;
  if (!vscode.workspace.isTrusted) throw new SecretsError('untrusted', {});
  if (needs === 'trust') return workspace;
  const { name, error } = await state.refresh();
  if (name === 'error') throw error;
  if (name !== 'ready') throw new SecretsError(name, {});
  return workspace;
}
