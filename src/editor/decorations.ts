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

/** VS Code takes no more at once. */
const MAX_NEWS = 250;

/** Marks secrets that need attention with a badge and a colour. */
export class SecretDecorations implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #registration: vscode.Disposable;
  /** The states that are marked, by address. */
  #marked: ReadonlyMap<string, SecretState> = new Map();

  constructor() {
    this.#registration = vscode.window.registerFileDecorationProvider(this);
  }

  /** Takes over how all secrets stand now. Only marks that change are drawn anew: the others would flicker. */
  show(states: readonly (readonly [secret: SecretRef, state: SecretState])[]): void {
    const marked = new Map(
      states.flatMap(([secret, state]) => (LOOKS[state].badge === undefined ? [] : [[secretUri(secret).toString(), state] as const])),
    );
    const before = this.#marked;
    this.#marked = marked;
    const news = [...new Set([...before.keys(), ...marked.keys()])].filter((uri) => before.get(uri) !== marked.get(uri));
    if (news.length > 0) this.#changed.fire(news.length > MAX_NEWS ? undefined : news.map((uri) => vscode.Uri.parse(uri)));
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const state = uri.scheme === SECRET_SCHEME ? this.#marked.get(uri.toString()) : undefined;
    if (state === undefined) return undefined;
    const { badge, color } = LOOKS[state];
    return new vscode.FileDecoration(badge, WORDS[state], color === undefined ? undefined : new vscode.ThemeColor(color));
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}
