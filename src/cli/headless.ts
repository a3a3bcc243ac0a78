import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AuditLog } from '../audit/auditLog';
import { Approvals } from '../bindings/approvals';
import { CallGrants } from '../bindings/callGrants';
import { Pins } from '../bindings/pins';
import { ServersSource } from '../bindings/source';
import { Agents } from '../proxy/front/agents';
import { createProxy } from '../proxy/proxy';
import type { Proxy, ProxyOptions } from '../proxy/proxy';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { FileBlobStore } from '../shared/fileBlobStore';
import { FileTreeStore } from '../shared/fileTreeStore';
import type { Logger } from '../shared/logger';
import { refuseIfOpen } from '../shared/privacy';
import { socketPath } from '../shared/socketPath';
import { USER_SCOPE } from '../vault/secret';
import { Vault } from '../vault/vault';
import { Vaults } from '../vault/vaults';
import { keysOfHome } from './homeKeys';
import type { HomeKeys } from './homeKeys';
import { VAULT_FILE } from './homeVaults';
import { readPassphrase } from './input';

/** What the command line decides about a proxy; `logger`, if it is not that of the command. */
export type HeadlessProxyOptions = Pick<
  ProxyOptions,
  'ports' | 'mergedTools' | 'callTimeoutMs' | 'expiredSecrets' | 'newTools' | 'outboundGuard' | 'onExpiredUsed'
> &
  Partial<Pick<ProxyOptions, 'logger'>>;

/** One workspace without an editor: its vaults, servers and record. */
export interface Headless {
  /** Where the state of all workspaces is kept. */
  readonly home: string;
  readonly keys: HomeKeys;
  readonly vaults: Vaults;
  readonly servers: ServersSource;
  readonly approvals: Approvals;
  readonly pins: Pins;
  readonly grants: CallGrants;
  readonly agents: Agents;
  readonly audit: AuditLog;
  readonly logger: Logger;
  /** A vault of the home by the path of its head file; changes to it are recorded here. */
  vaultAt(path: string): Vault;
  /** Makes a proxy for the workspace, not started. */
  proxy(options: HeadlessProxyOptions): { proxy: Proxy; agents: Agents };
  /** Finishes a replacement of the key that was cut short. What is in its way is said by the command that needs the key. */
  resume(): Promise<void>;
  /** Writes what is still to be written, and drops the keys. */
  close(): Promise<void>;
}

/**
 * Opens the headless state of a workspace. Nothing is read or made yet.
 * State lives under `MCP_SECRETS_HOME` (default `~/.mcp-secrets`), one folder per workspace; the root key in `key`
 * there or in the file that `MCP_SECRETS_KEY_FILE` names.
 * @param asks whether a person may be asked for a passphrase. @throws SecretsError `usage` if the workspace is not a folder, `tooOpen` if others can get at the state.
 */
export function openHeadless(workspace: string, env: NodeJS.ProcessEnv, logger: Logger, asks = true): Headless {
  const folder = realFolder(workspace);
  const home = resolve(given(env.MCP_SECRETS_HOME) ?? join(homedir(), '.mcp-secrets'));
  if (existsSync(home)) refuseIfOpen(home);
  const id = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const state = join(home, 'workspaces', id);
  const keys = keysOfHome(home, given(env.MCP_SECRETS_KEY_FILE), async () => {
    const file = given(env.MCP_SECRETS_PASSPHRASE_FILE);
    if (file === undefined && !asks) throw new SecretsError('passphraseNeeded', {});
    return readPassphrase(file, 'Passphrase of the key', false, process);
  });
  const audit: AuditLog = new AuditLog({
    path: join(state, 'audit.jsonl'),
    clock: systemClock,
    logger,
    keys: { current: () => vaults.auditKeys().current(), byId: (key) => vaults.auditKeys().byId(key) },
  });
  const userPath = join(home, 'user', VAULT_FILE);
  const vaultAt = (path: string, barrier?: () => 'locked' | undefined): Vault =>
    new Vault({
      store: new FileTreeStore(path),
      keys: keys.store,
      clock: systemClock,
      audit,
      ...(path === userPath ? { scope: USER_SCOPE } : {}),
      ...(barrier === undefined ? {} : { barrier }),
    });
  const own = vaultAt(join(state, VAULT_FILE));
  const vaults = new Vaults(
    own,
    vaultAt(userPath, () => (own.lockState() === 'open' ? undefined : 'locked')),
  );
  const servers = new ServersSource(folder);
  const approvals = new Approvals(new FileBlobStore(join(state, 'approvals.json')), audit);
  const grants = new CallGrants(new FileBlobStore(join(state, 'grants.json')), audit);
  const pinsPath = join(state, 'pins.json');
  const pins = new Pins({ store: new FileBlobStore(pinsPath), audit, clock: systemClock, path: pinsPath });
  const agents = new Agents({
    store: new FileBlobStore(join(state, 'agents.json')),
    uses: new FileBlobStore(join(state, 'agents.used.json')),
    audit,
    clock: systemClock,
  });
  return {
    home,
    keys,
    vaults,
    servers,
    approvals,
    pins,
    grants,
    agents,
    audit,
    logger,
    vaultAt,
    proxy: (options) => {
      const proxy = createProxy({
        logger,
        ...options,
        vault: vaults,
        servers,
        approvals,
        // Nobody can be asked: "policy allow" is the way.
        callGrants: grants,
        pins,
        agents,
        audit,
        clock: systemClock,
        // Nobody can be asked here: "server approve" is the way.
        approver: { ask: () => Promise.resolve(false) },
        socketPath: socketPath(folder),
      });
      return { proxy, agents };
    },
    resume: async () => {
      for (const vault of [vaults.workspace, vaults.user]) await vault.resume('cli').catch(() => false);
    },
    close: async () => {
      await agents.flush();
      await audit.close();
      vaults.dispose();
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
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
