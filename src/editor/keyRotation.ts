import * as vscode from 'vscode';
import { isSecretsError } from '../shared/errors';
import type { Progress } from '../vault/rotation';
import type { Vault } from '../vault/vault';
import type { StateModel } from './state';
import { count } from './views/format';
import type { Workspace } from './workspace';

/** When everything else has started, or whoever has just unlocked the vault has got what they wanted from it. */
const DELAY_MS = 4_000;

/** The vaults whose key this window is replacing. */
const underWay = new WeakSet<Vault>();

/** Runs a rotation of the key and shows how far it is. @param act is given what hears it. @returns and throws what `act` does. */
export async function showRotation<T>(vault: Vault, act: (progress: Progress) => Promise<T>): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title: 'Replacing the key of the vault' };
  underWay.add(vault);
  try {
    return await vscode.window.withProgress(options, (shown) => {
      let last = 0;
      return act((done, total) => {
        const percent = total === 0 ? 0 : (done / total) * 100;
        shown.report({ message: `${String(done)} of ${count(total, 'secret')}`, increment: percent - last });
        last = percent;
      });
    });
  } finally {
    underWay.delete(vault);
  }
}

/** Goes on with a rotation that a crash or a lock has cut short: a while after the start, and after each unlock. */
export function registerRotationResume(workspace: Workspace, state: StateModel): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void resumeRotation(workspace), DELAY_MS);
  };
  soon();
  return vscode.Disposable.from(
    state.onDidChange(({ name }) => {
      if (name === 'ready') soon();
    }),
    {
      dispose: () => {
        clearTimeout(timer);
      },
    },
  );
}

/** Never rejects: nothing is lost until the next try. */
async function resumeRotation({ vaults, messages }: Workspace): Promise<void> {
  try {
    for (const vault of [vaults.workspace, vaults.user]) {
      if ((await vault.state()) !== 'ready' || !vault.isRotating || underWay.has(vault)) continue;
      await showRotation(vault, (progress) => vault.resume('product', progress));
    }
  } catch (error) {
    // Locked in between: goes on after the next unlock.
    if (!isSecretsError(error, 'locked')) await messages.showError(error);
  }
}
