import type { BlobStore } from '../shared/blobStore';
import { SecretsError } from '../shared/errors';
import { beginning, renewed } from './pinRules';
import type { ServerPins } from './pinRules';
import { parsePins, pinsText, targetDigest } from './pinsDocument';
import type { AllPins } from './pinsDocument';
import type { Server } from './server';
import type { Tool } from './tool';

const FRESH_MS = 1_000;

/** A server as last looked at. */
export interface View {
  /** When it is looked up again, as `performance.now()`: nobody sets that clock. */
  until: number;
  readonly all: AllPins;
  readonly pins: ServerPins;
  /** JSON texts of tools that were found to be what was accepted. */
  readonly known: Set<string>;
  /** Tools that were asked for. */
  readonly tools: Map<string, Tool>;
}

/** The pins of a workspace as they are kept. Quick to ask, since every call does. */
export class KeptPins {
  readonly #store: BlobStore;
  readonly #path: string;
  readonly #onChange: () => void;
  #parsed: { readonly text: string; readonly all: AllPins } | undefined;
  #views = new WeakMap<Server, View>();

  /** @param path where the document is, for people. @param onChange is called after each change by this object. */
  constructor(store: BlobStore, path: string, onChange: () => void) {
    this.#store = store;
    this.#path = path;
    this.#onChange = onChange;
  }

  /** What is known of a server; looked up again after a second. @throws SecretsError `pinsUnreadable`, and as the store. */
  view(server: Server): View {
    const now = performance.now();
    const view = this.#views.get(server);
    if (view !== undefined && view.until > now) return view;
    const all = this.#parse(this.#store.read());
    if (view?.all === all) {
      view.until = now + FRESH_MS;
      return view;
    }
    const made = { until: now + FRESH_MS, all, pins: current(all, server), known: new Set<string>(), tools: new Map<string, Tool>() };
    this.#views.set(server, made);
    return made;
  }

  /** Replaces what is known of a server, with no other writer in between. Rejects as `view` throws. */
  async update<T extends { readonly pins: ServerPins }>(server: Server, make: (pins: ServerPins, all: AllPins) => T): Promise<T> {
    const outcome: { made?: T } = {};
    await this.#store.update((text) => {
      const all = this.#parse(text);
      const made = (outcome.made = make(current(all, server), all));
      return Promise.resolve(made.pins === all.get(server.name) ? undefined : pinsText(new Map(all).set(server.name, made.pins)));
    });
    if (outcome.made === undefined) throw new SecretsError('storeBusy', { path: this.#path });
    this.#views = new WeakMap();
    this.#onChange();
    return outcome.made;
  }

  #parse(text: string | undefined): AllPins {
    if (text === undefined) return NOTHING;
    if (this.#parsed?.text === text) return this.#parsed.all;
    const all = parsePins(text);
    if (all === undefined) throw new SecretsError('pinsUnreadable', { path: this.#path });
    this.#parsed = { text, all };
    return all;
  }
}

const NOTHING: AllPins = new Map();

/** What is known of a server as it is now. */
function current(all: AllPins, server: Server): ServerPins {
  const target = targetDigest(server);
  const pins = all.get(server.name) ?? beginning(server.name, target);
  return pins.target === target ? pins : renewed(pins, target);
}
