import { createHash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AuditLog } from '../audit/auditLog';
import { Approvals } from '../bindings/approvals';
import { ServersSource } from '../bindings/source';
import { AgentTokens } from '../proxy/front/agentTokens';
import { createProxy } from '../proxy/proxy';
import type { Proxy } from '../proxy/proxy';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { FileBlobStore } from '../shared/fileBlobStore';
import type { Logger } from '../shared/logger';
import { socketPath } from '../shared/socketPath';
import { Vault } from '../vault/vault';
import { FileKeyStore } from './fileKeyStore';

/** One workspace without an editor: its vault, servers and record. */
export interface Headless {
  readonly vault: Vault;
  readonly servers: ServersSource;
  readonly approvals: Approvals;
  readonly audit: AuditLog;
  /** Makes a proxy for it, not started. @param port 0: the system chooses. */
  proxy(port: number, callTimeoutMs: number): { proxy: Proxy; agents: AgentTokens };
}

/**
 * Opens the headless state of a workspace. Nothing is read or made yet.
 * State lives under `MCP_SECRETS_HOME` (default `~/.mcp-secrets`), one folder per workspace; the root key in `key`
 * there or in the file that `MCP_SECRETS_KEY_FILE` names.
 * @throws SecretsError `usage` if the workspace is not a folder.
 */
export function openHeadless(workspace: string, env: NodeJS.ProcessEnv, logger: Logger): Headless {
  const folder = realFolder(workspace);
  const home = resolve(setOr(env.MCP_SECRETS_HOME, join(homedir(), '.mcp-secrets')));
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const state = join(home, 'workspaces', id);
  const audit = new AuditLog(join(state, 'audit.jsonl'), systemClock, logger);
  const keys = new FileKeyStore(resolve(setOr(env.MCP_SECRETS_KEY_FILE, join(home, 'key'))), join(home, 'workspaces'));
  const vault = new Vault({ store: new FileBlobStore(join(state, 'vault.json')), keys, clock: systemClock, audit });
  const servers = new ServersSource(folder);
  const approvals = new Approvals(new FileBlobStore(join(state, 'approvals.json')), audit);
  return {
    vault,
    servers,
    approvals,
    audit,
    proxy: (port, callTimeoutMs) => {
      const agents = new AgentTokens(undefined, audit);
      const proxy = createProxy({
        vault,
        servers,
        approvals,
        agents,
        audit,
        logger,
        clock: systemClock,
        // Nobody can be asked here: "server approve" is the way.
        approver: { ask: () => Promise.resolve(false) },
        socketPath: socketPath(folder),
        port,
        callTimeoutMs: () => callTimeoutMs,
      });
      return { proxy, agents };
    },
  };
}

function realFolder(path: string): string {
  try {
    const folder = realpathSync(path);
    if (statSync(folder).isDirectory()) return folder;
  } catch {
    // Said below.
  }
  throw new SecretsError('usage', { problem: `The workspace ${path} is not a folder.` });
}

/** A variable that is set to nothing is not set. */
function setOr(value: string | undefined, fallback: string): string {
  return value === undefined || value === '' ? fallback : value;
}
