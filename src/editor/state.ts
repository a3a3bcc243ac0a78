import * as vscode from 'vscode';
import { messageOf } from '../shared/errors';
import type { VaultState } from '../vault/vault';
import { STATE_KEY } from './ids';

/** What the product can be; `error`: the stored vault cannot be read. */
export type StateName = VaultState | 'error';

/** The state, and why it is `error` if it is. */
export interface ProductState {
  readonly name: StateName;
  readonly error?: unknown;
}

/**
 * The state of the vault as last looked at, for everything that shows it: the context key (and through it menus
 * and welcome views), views and status bar. Nothing is read before somebody calls `refresh`.
 */
export class StateModel implements vscode.Disposable {
  readonly #ask: () => Promise<VaultState>;
  readonly #changed = new vscode.EventEmitter<ProductState>();
  /** Fires when the state has become another one, and when it was looked at for the first time. */
  readonly onDidChange = this.#changed.event;
  #current: ProductState;
  #asked = 0;
  /** The number of the question whose answer is the current state. */
  #answered = 0;

  /** @param initial what is known without reading. @param ask finds out. */
  constructor(initial: VaultState, ask: () => Promise<VaultState>) {
    this.#ask = ask;
    this.#current = { name: initial };
    this.#publish();
  }

  /** As last seen. */
  get current(): ProductState {
    return this.#current;
  }

  /** Looks again. Never rejects: what goes wrong is the state `error`. */
  async refresh(): Promise<ProductState> {
    const turn = ++this.#asked;
    const next = await this.#ask().then(
      (name): ProductState => ({ name }),
      (error: unknown): ProductState => ({ name: 'error', error }),
    );
    // A slow answer to an older question says how things were.
    if (turn < this.#answered) return this.#current;
    const changed = this.#answered === 0 || next.name !== this.#current.name || reason(next) !== reason(this.#current);
    this.#current = next;
    this.#answered = turn;
    if (changed) {
      this.#publish();
      this.#changed.fire(next);
    }
    return next;
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #publish(): void {
    void vscode.commands.executeCommand('setContext', STATE_KEY, this.#current.name);
  }
}

function reason({ error }: ProductState): string | undefined {
  return error === undefined ? undefined : messageOf(error);
}
