import * as vscode from 'vscode';
import * as z from 'zod';
import { entryOf, RULES } from '../audit/alerts/alert';
import type { Alert } from '../audit/alerts/alert';
import { Alerts } from '../audit/alerts/alerts';
import type { SecretUse } from '../audit/alerts/alerts';
import { readTrail } from '../audit/reader';
import { systemClock } from '../shared/clock';
import { messageOf } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import { viewIds, VSCODE_AGENT } from './ids';
import type { CommandId } from './ids';
import { notify } from './notify';
import type { SecretRef } from './secretRef';
import type { Workspace } from './workspace';

/** When everything else has started. */
const FIRST_MS = 60_000;
const DAY_MS = 86_400_000;

const rulesSchema = z.partialRecord(z.enum(RULES), z.boolean());

/** Something to do about an alert. */
interface Action {
  readonly title: string;
  readonly command: CommandId | `${typeof viewIds.activity}.focus`;
  readonly argument?: string | SecretRef;
}

/** Shows a notification with these actions; resolves with the one that was chosen. */
type Show = (severity: Alert['severity'], message: string, ...actions: string[]) => PromiseLike<string | undefined>;

/** Tells the user what is remarkable about what is recorded in this window, and once a day about secrets that nobody uses. */
export function registerAlerts(workspace: Workspace): vscode.Disposable {
  const watch = new AlertWatch(workspace);
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = setTimeout(look, DAY_MS);
    timer.unref();
    void watch.checkUnused();
  };
  timer = setTimeout(look, FIRST_MS);
  timer.unref();
  return vscode.Disposable.from(watch, {
    dispose: () => {
      clearTimeout(timer);
    },
  });
}

/** Raises the alerts of a window: each is a notification and an entry of the trail. Reads the trail with the first new entry. */
export class AlertWatch implements vscode.Disposable {
  readonly #workspace: Workspace;
  readonly #show: Show;
  readonly #alerts = new Alerts({ clock: systemClock, rules: rulesOf });
  readonly #disposables: vscode.Disposable[];
  #learned: Promise<void> | undefined;

  constructor(workspace: Workspace, show: Show = notify) {
    this.#workspace = workspace;
    this.#show = show;
    this.#disposables = [
      workspace.onDidUse((entry) => {
        // What is new is looked at when the past is known.
        void this.#learnOnce().then(() => {
          this.#alerts.observe(entry);
        });
      }),
      workspace.onDidUseExpired(({ secret, server }) => {
        void this.#learnOnce().then(() => {
          this.#alerts.noteExpired(secret, server);
        });
      }),
      vscode.Disposable.from(
        this.#alerts.onDidRaise((alert) => {
          this.#raise(alert);
        }),
      ),
    ];
  }

  /** Looks for secrets that nobody uses, in this window or elsewhere. Never rejects: what is wrong with a vault is said elsewhere. */
  async checkUnused(): Promise<void> {
    if (!vscode.workspace.isTrusted) return;
    try {
      const { vaults } = this.#workspace;
      await vaults.load();
      const secrets = vaults.list();
      if (secrets.length === 0) return;
      // Other windows have written meanwhile.
      await this.#learn();
      this.#alerts.checkUnused(secrets.map(({ scope, ...secret }): SecretUse => (scope === DEFAULT_SCOPE ? secret : { ...secret, scope })));
    } catch {
      // As above.
    }
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
    this.#alerts.dispose();
  }

  #raise(alert: Alert): void {
    // VS Code needs no introduction.
    if (alert.rule === 'newAgent' && alert.agent === VSCODE_AGENT) return;
    this.#workspace.audit.record(entryOf(alert));
    const actions = actionsFor(alert, this.#workspace);
    void this.#show(alert.severity, alert.message, ...actions.map(({ title }) => title)).then((chosen) => {
      const action = actions.find(({ title }) => title === chosen);
      return action && vscode.commands.executeCommand(action.command, action.argument);
    });
  }

  #learnOnce(): Promise<void> {
    return (this.#learned ??= this.#learn());
  }

  async #learn(): Promise<void> {
    const { audit, log } = this.#workspace;
    try {
      for await (const { entry } of readTrail(audit.path)) this.#alerts.learn(entry);
    } catch (error) {
      log.warn(`The past of the audit trail is not known to the alerts. ${messageOf(error)}`);
    }
  }
}

/** What is not said in the setting, or not as it should be, applies. */
function rulesOf(): z.infer<typeof rulesSchema> {
  return rulesSchema.safeParse(vscode.workspace.getConfiguration('mcpSecrets').get('alerts')).data ?? {};
}

function actionsFor({ rule, agent, server, secrets = [], scope }: Alert, workspace: Workspace): Action[] {
  const [name] = secrets;
  const show: Action = { title: 'Show Activity', command: `${viewIds.activity}.focus` };
  switch (rule) {
    case 'tokensRefused':
      return [show, { title: 'Lock Vault', command: 'mcpSecrets.lockVault' }];
    case 'newAgent':
      return agent === undefined ? [show] : [show, { title: 'Revoke Access', command: 'mcpSecrets.revokeAgent', argument: agent }];
    case 'secretExpired':
      if (name === undefined) return [show];
      return [{ title: 'Replace…', command: 'mcpSecrets.replaceSecret', argument: { scope: scopeOf(server, workspace), name } }, show];
    case 'secretUnused':
      if (name === undefined) return [show];
      return [{ title: 'Delete…', command: 'mcpSecrets.deleteSecret', argument: { scope: scope ?? DEFAULT_SCOPE, name } }, show];
    case 'toolsChanged':
      return server === undefined ? [show] : [{ title: 'Review…', command: 'mcpSecrets.reviewTools', argument: server }, show];
    case 'callDenied':
      return [show];
  }
}

/** The scope from which a server takes its secrets. */
function scopeOf(server: string | undefined, { servers }: Workspace): string {
  try {
    return server === undefined ? DEFAULT_SCOPE : servers.get(server).scope;
  } catch {
    return DEFAULT_SCOPE; // It was taken out of the file meanwhile.
  }
}
