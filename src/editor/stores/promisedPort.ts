import type { Memento } from 'vscode';
import type { BlobStore } from '../../shared/blobStore';

/** Where 0.1.0 kept it. */
const FORMER_KEY = 'proxy/port';

/**
 * The port that agents outside VS Code were told, so that their configuration keeps working after a restart. It is more than
 * an entry of the workspace state, which can lag behind when a window closes, and which another window overwrites.
 */
export class PromisedPort {
  readonly #store: BlobStore;
  readonly #former: Memento;

  constructor(store: BlobStore, former: Memento) {
    this.#store = store;
    this.#former = former;
  }

  /** 0 if none was promised. @throws SecretsError `storeFailed`. */
  get(): number {
    const port = Number(this.#store.read() ?? this.#former.get(FORMER_KEY));
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  }

  /** @throws SecretsError as `BlobStore.update`. */
  async set(port: number): Promise<void> {
    const text = String(port);
    await this.#store.update((known) => Promise.resolve(known === text ? undefined : text));
  }
}
