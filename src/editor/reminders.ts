import * as vscode from 'vscode';
import { freshnessOf } from '../vault/freshness';
import type { SecretInfo } from '../vault/secret';
import { notify } from './notify';
import { maySpeakOf, memorySchema } from './reminderMemory';
import type { ReminderMemory, ReminderNote } from './reminderMemory';
import { keyOf, labelOf } from './secretRef';
import { expiryWords } from './secretState';
import { ago, span } from './views/format';
import type { SecretsView } from './views/secretsView';
import type { Workspace } from './workspace';

const MEMORY_KEY = 'reminders';
/** When everything else has started. */
const FIRST_MS = 30_000;
const EVERY_MS = 3_600_000;
/** More at once are one message. */
const SINGLY = 3;

const REPLACE = 'Replace…';
const SHOW = 'Show Secrets';
const LATER = 'Later';
const NEVER = 'Do Not Show Again';

/** Shows a message with these actions; resolves with the one that was chosen. */
type Ask = (message: string, ...actions: string[]) => PromiseLike<string | undefined>;

/** The secrets to speak of now: expired, about to, or due; each once a day, and not if the user wants no more of its version. */
export function toRemind(infos: readonly SecretInfo[], memory: ReminderMemory, now: number): SecretInfo[] {
  return infos.filter((info) => freshnessOf(info, now) !== 'fresh' && maySpeakOf(info.version, memory[keyOf(info)], now));
}

/** What is said about one secret. @param now ms since the epoch. */
export function reminderOf(info: SecretInfo, now: number): string {
  const label = `The secret ${labelOf(info)}`;
  const state = freshnessOf(info, now);
  if (state === 'due' && info.rotateEveryMs !== undefined)
    return `${label} is due for rotation: it was set ${ago(info.updatedAt, now)}, and a new value is due every ${span(info.rotateEveryMs)}.`;
  return `${label} ${expiryWords(info, now) ?? 'is fine'}. Replace it with a new value.`;
}

/** Reminds of secrets from soon after start on, and has the view look at the time, too. */
export function registerReminders(workspace: Workspace, view: SecretsView, storage: vscode.Memento): vscode.Disposable {
  const reminders = new Reminders(workspace, storage);
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = setTimeout(look, EVERY_MS);
    timer.unref();
    void reminders.check(Date.now());
    void view.lookAgain();
  };
  timer = setTimeout(look, FIRST_MS);
  timer.unref();
  return new vscode.Disposable(() => {
    clearTimeout(timer);
  });
}

/** Reminds of secrets that need a new value. Reads names and dates only. */
export class Reminders {
  readonly #workspace: Workspace;
  readonly #storage: vscode.Memento;
  readonly #ask: Ask;

  /** @param storage of the workspace. */
  constructor(workspace: Workspace, storage: vscode.Memento, ask: Ask = (...words) => notify('warning', ...words)) {
    this.#workspace = workspace;
    this.#storage = storage;
    this.#ask = ask;
  }

  /** Reminds of what needs it now. Resolves when the user has answered all of it. Never rejects: what is wrong with a vault is said elsewhere. */
  async check(now: number): Promise<void> {
    if (!vscode.workspace.isTrusted || !vscode.workspace.getConfiguration('mcpSecrets').get<boolean>('reminders', true)) return;
    const infos = await this.#infos();
    const due = toRemind(infos, this.#memory(), now);
    if (due.length === 0) return;
    await this.#remember(infos, due, { remindedAt: now });
    if (due.length > SINGLY) await this.#remindOfAll(infos, due);
    else await Promise.all(due.map((info) => this.#remindOf(infos, info, now)));
  }

  async #remindOf(infos: readonly SecretInfo[], info: SecretInfo, now: number): Promise<void> {
    const answer = await this.#ask(reminderOf(info, now), REPLACE, LATER, NEVER);
    if (answer === NEVER) await this.#remember(infos, [info], { silent: info.version });
    if (answer === REPLACE) await vscode.commands.executeCommand('mcpSecrets.replaceSecret', { scope: info.scope, name: info.name });
  }

  async #remindOfAll(infos: readonly SecretInfo[], due: readonly SecretInfo[]): Promise<void> {
    const first = due.slice(0, SINGLY).map(labelOf).join(', ');
    const message = `${first} and ${String(due.length - SINGLY)} more secrets have expired, expire within a week or are due for rotation.`;
    const answer = await this.#ask(message, SHOW, LATER, NEVER);
    if (answer === NEVER) for (const info of due) await this.#remember(infos, [info], { silent: info.version });
    if (answer === SHOW) await vscode.commands.executeCommand('mcpSecrets.secrets.focus');
  }

  async #infos(): Promise<SecretInfo[]> {
    try {
      const { vaults } = this.#workspace;
      await vaults.load();
      return vaults.list();
    } catch {
      return [];
    }
  }

  #memory(): ReminderMemory {
    return memorySchema.safeParse(this.#storage.get(MEMORY_KEY)).data ?? {};
  }

  /** Adds to the notes about some secrets. Notes about secrets that are gone go, too. */
  async #remember(infos: readonly SecretInfo[], about: readonly SecretInfo[], note: ReminderNote): Promise<void> {
    const notes = new Map(Object.entries(this.#memory()));
    const known = new Set(infos.map(keyOf));
    for (const key of notes.keys()) if (!known.has(key)) notes.delete(key);
    for (const info of about) notes.set(keyOf(info), { ...notes.get(keyOf(info)), ...note });
    await this.#storage.update(MEMORY_KEY, Object.fromEntries(notes));
  }
}
