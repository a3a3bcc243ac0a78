import * as vscode from 'vscode';
import type { SecretRef } from './secretRef';
import { LOOKS } from './secretState';
import type { SecretState } from './secretState';

/** The scheme of the addresses by which the views and their decorations speak of secrets. Nothing can be opened there. */
export const SECRET_SCHEME = 'mcp-secret';

/** The address of a secret, `mcp-secret:/scope/NAME`. */
export function secretUri({ scope, name }: SecretRef): vscode.Uri {
  return vscode.Uri.from({ scheme: SECRET_SCHEME, path: `/${scope}/${name}` });
}

const WORDS: Partial<Record<SecretState, string>> = {
  expiring: 'Expires within a week',
  due: 'Due for rotation',
  expired: 'Expired',
  unreadable: 'Cannot be opened',
};

/** Marks secrets that need attention with a badge and a colour. */
export class SecretDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #stateOf: (secret: SecretRef) => SecretState;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #registration: vscode.Disposable;

  /** @param stateOf is asked for the secrets that are on screen. If it throws, the secret has no mark. */
  constructor(stateOf: (secret: SecretRef) => SecretState) {
    this.#stateOf = stateOf;
    this.#registration = vscode.window.registerFileDecorationProvider(this);
  }

  provideFileDecoration({ scheme, path }: vscode.Uri): vscode.FileDecoration | undefined {
    const [, scope, name] = path.split('/');
    if (scheme !== SECRET_SCHEME || scope === undefined || name === undefined) return undefined;
    const state = this.#stateAt({ scope, name });
    if (state === undefined) return undefined;
    const { badge, color } = LOOKS[state];
    if (badge === undefined) return undefined;
    return new vscode.FileDecoration(badge, WORDS[state], color === undefined ? undefined : new vscode.ThemeColor(color));
  }

  /** Has everything looked at again. */
  refresh(): void {
    this.#changed.fire(undefined);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** A vault that cannot be read is no reason for a mark; the view says what is wrong. */
  #stateAt(secret: SecretRef): SecretState | undefined {
    try {
      return this.#stateOf(secret);
    } catch {
      return undefined;
    }
  }
}
