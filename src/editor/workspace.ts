import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { AuditLog } from '../audit/auditLog';
import type { AuditEntry } from '../audit/entry';
import { Approvals } from '../bindings/approvals';
import { CallGrants } from '../bindings/callGrants';
import { Pins } from '../bindings/pins';
import { SERVERS_FILE } from '../bindings/serversFile';
import { ServersSource } from '../bindings/source';
import { Agents } from '../proxy/front/agents';
import { systemClock } from '../shared/clock';
import { FileBlobStore } from '../shared/fileBlobStore';
import type { LockState } from '../vault/vault';
import type { Vaults } from '../vault/vaults';
import { ApprovalDialog } from './approvalDialog';
import { EditorApprover } from './approver';
import { EditorCallApprover } from './callApprover';
import { callSettings } from './callSettings';
import { AuditStreaming } from './auditStreaming';
import { lazy } from '../shared/lazily';
import type { Log } from './log';
import type { Messages } from './messages';
import { PassphrasePrompt } from './passphrase';
import { ProxyHost } from './proxyHost';
import { socketPath } from '../shared/socketPath';
import type { EditorKeyStore } from './stores/editorKeyStore';
import { ROOT_KEY_PREFIX } from './stores/secretStorageKeyStore';
import { PromisedPorts } from './stores/promisedPorts';
import { STORE_FILE_ENDING, WorkspaceStateStore } from './stores/workspaceStateStore';
import { createVaults, userVaultFolder } from './vaultSetup';

/** What a workspace is made from. */
export interface WorkspaceParts {
  readonly context: vscode.ExtensionContext;
  readonly folder: vscode.WorkspaceFolder;
  readonly storage: vscode.Uri;
  readonly log: Log;
  readonly messages: Messages;
}

/**
 * Everything that belongs to one workspace folder. Each part is made when it is first asked for, so that nothing
 * is read before it is needed.
 */
export class Workspace implements vscode.Disposable {
  readonly folder: vscode.WorkspaceFolder;
  readonly log: Log;
  readonly messages: Messages;
  /** Where the proxy listens for VS Code. */
  readonly socketPath: string;
  readonly passphrase = new PassphrasePrompt();
  /** Sends what is recorded in this window to other machines, if the user wants that. */
  readonly streaming: AuditStreaming;
  readonly #context: vscode.ExtensionContext;
  readonly #storage: vscode.Uri;
  readonly #disposables: vscode.Disposable[] = [];
  readonly #changed = this.#own(new vscode.EventEmitter<undefined>());
  /** Fires when anything that a view shows may have changed: secrets, servers, approvals, statuses. */
  readonly onDidChange = this.#changed.event;
  readonly #used = this.#own(new vscode.EventEmitter<AuditEntry>());
  /** Fires with each new entry of the audit trail that was made in this window. */
  readonly onDidUse = this.#used.event;
  readonly #expiredUsed = this.#own(new vscode.EventEmitter<{ readonly secret: string; readonly server: string }>());
  /** Fires when a call in this window asked for an expired secret, whether it was refused then or not. */
  readonly onDidUseExpired = this.#expiredUsed.event;
  readonly #serversChanged = this.#own(new vscode.EventEmitter<undefined>());
  /** Fires when the servers file or an approval may have changed. */
  readonly onDidChangeServers = this.#serversChanged.event;

  constructor({ context, folder, storage, log, messages }: WorkspaceParts) {
    this.folder = folder;
    this.log = log;
    this.messages = messages;
    this.socketPath = socketPath(folder.uri.fsPath);
    this.#context = context;
    this.#storage = storage;
    this.streaming = this.#own(
      new AuditStreaming({
        spoolFolder: join(storage.fsPath, 'spool'),
        logger: log,
        onProblem: (error) => void messages.showError(error),
      }),
    );
    this.#own(
      this.onDidUse((entry) => {
        this.streaming.push(entry);
      }),
    );
    this.#own(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.#vaults.made?.vaults.refresh();
      }),
    );
    this.#own(
      context.secrets.onDidChange(({ key }) => {
        if (key.startsWith(ROOT_KEY_PREFIX)) this.#vaults.made?.vaults.refresh();
      }),
    );
    this.#own(this.#watchServersFile());
    this.#own(
      this.onDidChangeServers(() => {
        this.#changed.fire(undefined);
      }),
    );
  }

  get vaults(): Vaults {
    return this.#vaults.get().vaults;
  }

  /** The root keys of the workspace's own vault. */
  get keys(): EditorKeyStore {
    return this.#vaults.get().keys;
  }

  get servers(): ServersSource {
    return this.#servers.get();
  }

  get approvals(): Approvals {
    return this.#approvals.get();
  }

  /** The tools that were accepted. */
  get pins(): Pins {
    return this.#pins.get();
  }

  /** The calls that were allowed for good. */
  get grants(): CallGrants {
    return this.#grants.get();
  }

  get approvalDialog(): ApprovalDialog {
    return this.#approvalDialog.get();
  }

  get agents(): Agents {
    return this.#agents.get();
  }

  get audit(): AuditLog {
    return this.#audit.get();
  }

  get proxy(): ProxyHost {
    return this.#proxy.get();
  }

  /** Says that the servers file was changed by us; its watcher would say so later. */
  serversFileChanged(): void {
    this.#serversChanged.fire(undefined);
  }

  /** Ends what the proxy started, and writes what is still to be written. */
  async close(): Promise<void> {
    await this.#proxy.made?.stop();
    await this.#agents.made?.flush();
    await this.#audit.made?.close();
    await this.streaming.close();
    await this.#vaults.made?.flush();
  }

  dispose(): void {
    for (const part of [this.#proxy.made, this.#audit.made, this.#vaults.made?.vaults]) part?.dispose();
    for (const disposable of this.#disposables.reverse()) disposable.dispose();
  }

  readonly #audit = lazy(() => {
    const audit = new AuditLog({
      path: join(this.#storage.fsPath, 'audit.jsonl'),
      clock: systemClock,
      logger: this.log,
      maxBytes: () => numberSetting('audit.maxFileSize', 5) * 1024 * 1024,
      keepDays: () => numberSetting('audit.keepDays', 400),
      keys: { current: () => this.vaults.auditKeys().current(), byId: (id) => this.vaults.auditKeys().byId(id) },
    });
    this.#own(
      audit.onDidAdd((entry) => {
        this.#used.fire(entry);
      }),
    );
    return audit;
  });
  readonly #servers = lazy(() => new ServersSource(this.folder.uri.fsPath));
  readonly #agents = lazy(() => {
    const agents = new Agents({
      store: this.#store('agents'),
      // Not one of the watched stores: nobody needs to hear of each use.
      uses: new FileBlobStore(join(this.#storage.fsPath, 'agents.used.json')),
      audit: this.audit,
      clock: systemClock,
    });
    this.#own(
      agents.onDidChange(() => {
        this.#changed.fire(undefined);
      }),
    );
    return agents;
  });

  readonly #vaults = lazy(() => {
    this.#storeWatcher.get();
    const made = createVaults({ context: this.#context, folder: this.#storage.fsPath, audit: this.audit, passphrase: this.passphrase });
    this.#lock = lockOf(made.vaults) ?? 'open';
    this.#own(
      made.vaults.onDidChange(() => {
        this.#followLock(made.vaults);
        this.#proxy.made?.secretsChanged();
        this.#changed.fire(undefined);
      }),
    );
    return made;
  });

  /** As last seen: who panics when the vault is locked already has done so. */
  #lock: LockState = 'open';

  /** Ends what is under way when the vault is locked, in whichever window. */
  #followLock(vaults: Vaults): void {
    const lock = lockOf(vaults);
    if (lock === undefined || lock === this.#lock) return;
    this.#lock = lock;
    if (this.#lock === 'panic') this.proxy.panic().catch((error: unknown) => this.messages.showError(error));
    else if (this.#lock === 'locked') void this.#proxy.made?.closeSessions();
  }

  readonly #approvals = lazy(() => {
    const approvals = new Approvals(this.#store('approvals'), this.audit);
    this.#own(
      approvals.onDidChange(() => {
        this.#serversChanged.fire(undefined);
      }),
    );
    return approvals;
  });

  readonly #pins = lazy(() => {
    this.#storeWatcher.get();
    // Not in the workspace state: the texts of many tools are too much for it.
    const path = join(this.#storage.fsPath, `pins${STORE_FILE_ENDING}`);
    const pins = new Pins({ store: new FileBlobStore(path), audit: this.audit, clock: systemClock, path });
    this.#own(
      pins.onDidChange(() => {
        this.#changed.fire(undefined);
      }),
    );
    this.#own(
      pins.onDidAccept(() => {
        this.#serversChanged.fire(undefined);
      }),
    );
    return pins;
  });

  readonly #grants = lazy(() => new CallGrants(this.#store('grants'), this.audit));

  readonly #approvalDialog = lazy(() => new ApprovalDialog(this.approvals));

  readonly #proxy = lazy(() => {
    const proxy = new ProxyHost(new PromisedPorts(this.#unwatched('ports'), this.#context.workspaceState), () => ({
      ...callSettings,
      vault: this.vaults,
      servers: this.servers,
      approvals: this.approvals,
      pins: this.pins,
      callApprover: new EditorCallApprover(),
      callGrants: this.grants,
      approver: new EditorApprover(this.approvalDialog, this.approvals, this.servers),
      agents: this.agents,
      audit: this.audit,
      logger: this.log,
      clock: systemClock,
      socketPath: this.socketPath,
      callTimeoutMs: () => vscode.workspace.getConfiguration('mcpSecrets').get('callTimeout', 120) * 1_000,
      onExpiredUsed: (secret, server) => {
        this.#expiredUsed.fire({ secret, server });
      },
    }));
    this.#own(
      proxy.onDidChangeStatus(() => {
        this.#changed.fire(undefined);
      }),
    );
    return proxy;
  });

  /** Stores share one watcher, so that what another window writes is seen here. */
  readonly #storeWatcher = lazy(() => {
    const changed = (): void => {
      this.#vaults.made?.vaults.refresh();
      this.#serversChanged.fire(undefined);
    };
    for (const folder of [this.#storage.fsPath, userVaultFolder(this.#context)]) {
      // A folder that is not there yet is only looked for every few seconds: what happens in it until it is found is missed.
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), `*${STORE_FILE_ENDING}`);
      const watcher = this.#own(vscode.workspace.createFileSystemWatcher(pattern));
      watcher.onDidCreate(changed);
      watcher.onDidChange(changed);
      watcher.onDidDelete(changed);
    }
  });

  #store(name: string): WorkspaceStateStore {
    this.#storeWatcher.get();
    return this.#unwatched(name);
  }

  #unwatched(name: string): WorkspaceStateStore {
    return new WorkspaceStateStore(this.#context.workspaceState, this.#storage.fsPath, name);
  }

  #watchServersFile(): vscode.Disposable {
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(this.folder, SERVERS_FILE));
    const changed = (): void => {
      this.#serversChanged.fire(undefined);
    };
    watcher.onDidCreate(changed);
    watcher.onDidChange(changed);
    watcher.onDidDelete(changed);
    return watcher;
  }

  #own<T extends vscode.Disposable>(disposable: T): T {
    this.#disposables.push(disposable);
    return disposable;
  }
}

/** `undefined`: it cannot be read, and calls fail with the reason. */
function lockOf(vaults: Vaults): LockState | undefined {
  try {
    return vaults.lockState();
  } catch {
    return undefined;
  }
}

/** A setting that has to be a number; the default where it is none, which VS Code warns of and lets through. */
function numberSetting(name: string, fallback: number): number {
  const value: unknown = vscode.workspace.getConfiguration('mcpSecrets').get(name);
  return typeof value === 'number' && value >= 0 ? value : fallback;
}
