import { OWN_AGENTS } from '../proxy/front/agents';

/** Every command of the product. package.json declares the same ones; a test compares the two. */
export const commandIds = [
  'mcpSecrets.addSecret',
  'mcpSecrets.replaceSecret',
  'mcpSecrets.deleteSecret',
  'mcpSecrets.copySecretName',
  'mcpSecrets.rollbackSecret',
  'mcpSecrets.destroyVersions',
  'mcpSecrets.setExpiry',
  'mcpSecrets.switchScope',
  'mcpSecrets.deleteScope',
  'mcpSecrets.addServer',
  'mcpSecrets.editServer',
  'mcpSecrets.chooseSecrets',
  'mcpSecrets.removeServer',
  'mcpSecrets.startServer',
  'mcpSecrets.stopServer',
  'mcpSecrets.approveServer',
  'mcpSecrets.revokeApproval',
  'mcpSecrets.reviewTools',
  'mcpSecrets.explainCall',
  'mcpSecrets.revokeConsent',
  'mcpSecrets.copyConfiguration',
  'mcpSecrets.addAgent',
  'mcpSecrets.revokeAgent',
  'mcpSecrets.revokeToken',
  'mcpSecrets.chooseAgentServers',
  'mcpSecrets.openServersFile',
  'mcpSecrets.filterActivity',
  'mcpSecrets.clearActivityFilter',
  'mcpSecrets.showOlderActivity',
  'mcpSecrets.verifyAudit',
  'mcpSecrets.exportAudit',
  'mcpSecrets.showAuditFile',
  'mcpSecrets.showLog',
  'mcpSecrets.refresh',
  'mcpSecrets.lockVault',
  'mcpSecrets.unlockVault',
  'mcpSecrets.panic',
  'mcpSecrets.rotateKey',
  'mcpSecrets.protectKey',
  'mcpSecrets.unprotectKey',
  'mcpSecrets.checkVault',
  'mcpSecrets.recoverVault',
  'mcpSecrets.startFresh',
  'mcpSecrets.destroyAllSecrets',
  'mcpSecrets.createBackup',
  'mcpSecrets.restoreBackup',
] as const;

/** The id of one of our commands. */
export type CommandId = (typeof commandIds)[number];

/** The views in our container. */
export const viewIds = {
  secrets: 'mcpSecrets.secrets',
  servers: 'mcpSecrets.servers',
  activity: 'mcpSecrets.activity',
  agents: 'mcpSecrets.agents',
} as const;

/** The MCP provider's id. */
export const PROVIDER_ID = 'mcpSecrets.servers';

/** The context key that menus and welcome views look at; its values are those of `StateName`. */
export const STATE_KEY = 'mcpSecrets.state';

/** The context key that says whether the view Activity has a filter. */
export const FILTERED_KEY = 'mcpSecrets.activityFiltered';

/** The scheme of the JSON schema that the editor's JSON support asks for. */
export const SCHEMA_SCHEME = 'mcp-secrets-schema';

/** The name by which VS Code itself goes as an agent. */
export const VSCODE_AGENT = OWN_AGENTS.editor;
