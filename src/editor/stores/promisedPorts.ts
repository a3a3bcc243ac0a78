import type { Memento } from 'vscode';
import type { BlobStore } from '../../shared/blobStore';

/** Where 0.1.0 kept the one that it knew. */
const FORMER_KEY = 'proxy/port';

/** Ports that are kept; the one that was promised first is forgotten. */
const MAX_PORTS = 8;

/**
 * The ports that agents outside VS Code were told, the newest first, so that their configuration keeps working after a restart. There
 * are several where a window did not get the port of the one before. They are more than an entry of the workspace state, which can
 * lag behind when a window closes, and which another window overwrites.
 */
export class PromisedPorts {
  readonly #store: BlobStore;
  readonly #former: Memento;

  constructor(store: BlobStore, former: Memento) {
    this.#store = store;
    this.#former = former;
  }

  /** Empty if none was promised. @throws SecretsError `storeFailed`. */
  get(): readonly number[] {
    return parse(this.#store.read() ?? String(this.#former.get(FORMER_KEY)));
  }

  /** Promises one more. @throws SecretsError as `BlobStore.update`. */
  async add(port: number): Promise<void> {
    if (this.get()[0] === port) return;
    await this.#store.update((known) => {
      const others = (known === undefined ? this.get() : parse(known)).filter((other) => other !== port);
      return Promise.resolve([port, ...others].slice(0, MAX_PORTS).join(' '));
    });
  }
}

function parse(text: string): number[] {
  return text
    .split(' ')
    .map(Number)
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
}
