import type { Steps } from '../shared/steps';
import { Lookalikes } from './lookalike';
import type { AllPins } from './pinsDocument';
import { isOversized } from './tool';
import type { Definition } from './tool';
import { flagsOf } from './toolFlags';
import type { Flag } from './toolFlags';

/** How much of one list is looked at, in characters. What nobody has looked at is suspicious. */
const MAX_LOOKED = 16_000_000;
/** Above this it takes too long to be done in one go: about a microsecond for each character. */
const MUCH = 32_000;

/** Whether to look at these takes long. */
export function isMuch(definitions: readonly Definition[]): boolean {
  return definitions.reduce((length, { text }) => length + text.length, 0) > MUCH;
}

/** Finds what is suspicious about the tools in one list of a server. Looks at each text once. */
export class Suspicion {
  readonly #server: string;
  readonly #looked = new Map<string, Flag[]>();
  #left = MAX_LOOKED;

  constructor(server: string) {
    this.#server = server;
  }

  /** Looks at these before they are asked about. */
  *look(definitions: readonly Definition[]): Steps<undefined> {
    for (const definition of definitions) {
      this.#flagsOfText(definition);
      yield;
    }
    return undefined;
  }

  /** @param all for the names of the other servers' tools. */
  flags(definition: Definition, all: AllPins): Flag[] {
    const flags = this.#flagsOfText(definition);
    return lookalikesIn(all).has(this.#server, definition.name) ? [...flags, 'lookalike'] : flags;
  }

  #flagsOfText(definition: Definition): Flag[] {
    const { text } = definition;
    let flags = this.#looked.get(text);
    if (flags === undefined) {
      this.#left -= text.length;
      flags = this.#left < 0 ? ['long'] : flagsOfDefinition(definition);
      this.#looked.set(text, flags);
    }
    return flags;
  }
}

/** What is suspicious about a text, whatever there is besides. */
export function flagsOfDefinition(definition: Definition): Flag[] {
  return isOversized(definition) ? ['long'] : flagsOf(JSON.parse(definition.text));
}

function lookalikesIn(all: AllPins): Lookalikes {
  let found = lookalikes.get(all);
  if (found === undefined) {
    lookalikes.set(all, (found = new Lookalikes()));
    for (const { name, tools } of all.values()) for (const [tool, { accepted }] of tools) if (accepted !== undefined) found.add(name, tool);
  }
  return found;
}

/** Documents do not change once they are read. */
const lookalikes = new WeakMap<AllPins, Lookalikes>();
