import type { WorkspaceCommand } from './command';
import { pickServer, pickServerName } from './pick';
import type { Workspace } from '../workspace';

/** The commands about approvals. */
export const approvalCommands = {
  'mcpSecrets.approveServer': { needs: 'trust', run: approveServer },
  'mcpSecrets.revokeApproval': { needs: 'trust', run: revokeApproval },
} satisfies Record<string, WorkspaceCommand>;

async function approveServer(workspace: Workspace, argument: unknown): Promise<void> {
  const { approvals, approvalDialog, messages } = workspace;
  const server = await pickServer(workspace, argument, 'Approve Server', (candidate) => !approvals.isApproved(candidate));
  if (server === undefined) return;
  if (await approvalDialog.ask(server)) messages.done(`Server ${server.name} is approved`);
}

async function revokeApproval(workspace: Workspace, argument: unknown): Promise<void> {
  const name = await pickServerName(workspace, argument, 'Revoke Approval', (candidate) => workspace.approvals.isApproved(candidate));
  if (name === undefined) return;
  await workspace.approvals.revoke(name, 'user');
  workspace.messages.done(`Server ${name} is not approved any more`);
}
