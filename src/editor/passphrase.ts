import * as vscode from 'vscode';
import { SecretsError } from '../shared/errors';
import { LEAST_PASSPHRASE_BYTES } from '../vault/passphrase';

/**
 * Asks for the passphrase of a vault, only while the user does something that needs it: a view that is drawn or an agent's
 * call must not raise a prompt.
 */
export class PassphrasePrompt {
  #asking = 0;

  /** Runs something in which the user may be asked. */
  async during<T>(act: () => Promise<T>): Promise<T> {
    this.#asking += 1;
    try {
      return await act();
    } finally {
      this.#asking -= 1;
    }
  }

  /** As `AskPassphrase`. @throws SecretsError `passphraseNeeded` outside of `during`, and if the user gives none. */
  async ask(which: 'present' | 'new'): Promise<Buffer> {
    if (this.#asking === 0) throw new SecretsError('passphraseNeeded', {});
    const passphrase = await (which === 'new' ? askNewPassphrase('New Passphrase') : askPassphrase('Unlock Vault'));
    if (passphrase === undefined) throw new SecretsError('passphraseNeeded', {});
    return passphrase;
  }
}

/** Asks for a passphrase that there is. `undefined`: the user gave none. The caller overwrites it. */
export async function askPassphrase(title: string, prompt = 'The passphrase'): Promise<Buffer | undefined> {
  const text = await vscode.window.showInputBox({ title, prompt, password: true, ignoreFocusOut: true });
  return text === undefined || text === '' ? undefined : Buffer.from(text);
}

/** Asks for a passphrase that is to be, twice. @param protects what it is for. `undefined`: the user gave none. The caller overwrites it. */
export async function askNewPassphrase(title: string, protects = 'what it protects'): Promise<Buffer | undefined> {
  const first = await vscode.window.showInputBox({
    title: `${title} (1/2)`,
    prompt: `It is not kept anywhere: whoever forgets it cannot open ${protects}`,
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) =>
      Buffer.byteLength(text) < LEAST_PASSPHRASE_BYTES ? `At least ${String(LEAST_PASSPHRASE_BYTES)} characters` : undefined,
  });
  if (first === undefined) return undefined;
  const again = await vscode.window.showInputBox({
    title: `${title} (2/2)`,
    prompt: 'The same again',
    password: true,
    ignoreFocusOut: true,
    validateInput: (text) => (text === first ? undefined : 'This is not the same yet'),
  });
  return again === undefined ? undefined : Buffer.from(first);
}
