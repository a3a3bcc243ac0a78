import type { AuditEntry, AuditSink } from '../audit/entry';
import { canonical } from '../shared/canonicalJson';
import type { BlobStore } from '../shared/blobStore';
import type { Clock } from '../shared/clock';
import { Emitter } from '../shared/disposable';
import { SecretsError } from '../shared/errors';
import { inTurns } from '../shared/steps';
import { KeptPins } from './keptPins';
import { acceptShown, isFirstUse, seeAbout, seeTools } from './pinRules';
import type { AboutField, NewTools, Seen, ServerPins, Waiting } from './pinRules';
import { recordAccepted, recordNews, recordSeen } from './pinsAudit';
import type { AllPins } from './pinsDocument';
import type { Server } from './server';
import { flagsOfDefinition, isMuch, Suspicion } from './suspicion';
import { definitionOf, isDeep, oversized } from './tool';
import type { Definition, Tool } from './tool';
import { flagWords } from './toolFlags';

/** How many texts of tools are remembered as accepted, beside their canonical forms. */
const MAX_KNOWN = 20_000;

/** What a pin set needs. */
export interface PinsOptions {
  readonly store: BlobStore;
  readonly audit: AuditSink;
  readonly clock: Clock;
  /** Where the document is, for people. */
  readonly path: string;
}

/** What a server says of itself: parsed JSON. */
export type About = Readonly<Partial<Record<AboutField, unknown>>>;

/**
 * What the servers of a workspace have said of themselves and their tools, and which of that a person (or the first use)
 * has accepted. Kept outside of the workspace folder, so that no repository can bring it along. A document that cannot
 * be read is no reason to trust anew: everything is refused with `pinsUnreadable`.
 */
export class Pins {
  readonly #options: PinsOptions;
  readonly #changed = new Emitter<undefined>();
  /** Fires after something was accepted, found or changed here. */
  readonly onDidChange = this.#changed.event;
  readonly #accepted = new Emitter<string>();
  /** Fires with a server's name after something of it was accepted here by a person. */
  readonly onDidAccept = this.#accepted.event;
  readonly #kept: KeptPins;

  constructor(options: PinsOptions) {
    this.#options = options;
    this.#kept = new KeptPins(options.store, options.path, () => {
      this.#changed.fire(undefined);
    });
  }

  /** A tool as it was accepted. */
  tool(server: Server, name: string): Tool | undefined {
    const { pins, tools } = this.#kept.view(server);
    const text = pins.tools.get(name)?.accepted;
    if (text === undefined) return undefined;
    const tool = tools.get(name) ?? (JSON.parse(text) as Tool);
    tools.set(name, tool);
    return tool;
  }

  /** What is known of a server. What another process does counts a second later at most. @throws SecretsError `pinsUnreadable`, and as the store. */
  of(server: Server): ServerPins {
    return this.#kept.view(server).pins;
  }

  /**
   * Lets a call of a tool pass if the tool is as it was accepted.
   * @param newTools is asked only for a tool that nobody has seen.
   * @throws SecretsError `toolChanged`, `toolNew`, `toolFlagged`; `toolUnknown` if it was not listed.
   */
  refuseUnlessAccepted(server: Server, name: string, newTools: () => NewTools): void {
    const { pins } = this.#kept.view(server);
    const pin = pins.tools.get(name);
    if (pin !== undefined && pin.offered === undefined) return;
    const details = { server: server.name, tool: name.slice(0, 128) };
    if (pin?.offered !== undefined) {
      if (pin.accepted !== undefined) throw new SecretsError('toolChanged', details);
      if (pin.flags !== undefined) throw new SecretsError('toolFlagged', { ...details, why: flagWords(pin.flags) });
      throw new SecretsError('toolNew', details);
    }
    if (!isFirstUse(pins, this.#options.clock.now()) && newTools() !== 'allow') throw new SecretsError('toolUnknown', details);
  }

  /**
   * Looks at a list of tools, or a page of one, and keeps what is new in it.
   * @param last whether no page comes after it. @returns for each entry, in order, whether an agent may see it.
   * @throws SecretsError (or rejects with one) as `of`, and if what is new cannot be stored.
   */
  seeTools(server: Server, listed: readonly unknown[], last: boolean, newTools: () => NewTools): boolean[] | Promise<boolean[]> {
    const view = this.#kept.view(server);
    const texts = listed.map(jsonOf);
    if ((view.pins.complete || !last) && texts.every((text) => view.known.has(text))) return texts.map(() => true);
    const definitions = listed.map(definitionOf);
    const suspicion = new Suspicion(server.name);
    const judge = (): boolean[] | Promise<boolean[]> => this.#judge(server, { definitions, texts, last, newTools, suspicion });
    const fresh = definitions.filter((definition) => definition !== undefined).filter((definition) => !isKept(view.pins, definition));
    return isMuch(fresh) ? inTurns(suspicion.look(fresh)).then(judge) : judge();
  }

  #judge(server: Server, { definitions, texts, last, newTools, suspicion }: List): boolean[] | Promise<boolean[]> {
    const view = this.#kept.view(server);
    const found = definitions.filter((definition) => definition !== undefined);
    const now = this.#options.clock.now();
    const judge = (pins: ServerPins, all: AllPins): Seen =>
      seeTools(pins, found, { last, newTools: newTools(), now, flags: (definition) => suspicion.flags(definition, all) });
    const shown = ({ hidden }: Seen): boolean[] =>
      definitions.map((definition) => definition !== undefined && !hidden.has(definition.name));
    const seen = judge(view.pins, view.all);
    if (seen.pins !== view.pins) {
      return this.#kept.update(server, judge).then((stored) => {
        recordSeen(this.#options.audit, server.name, stored);
        return shown(stored);
      });
    }
    const result = shown(seen);
    for (const [index, text] of texts.entries()) if (result[index] === true && view.known.size < MAX_KNOWN) view.known.add(text);
    return result;
  }

  /**
   * Looks at what a server says of itself. @param about `null` for what it does not say.
   * @returns what an agent may be told: of each field this value or the accepted one, `undefined` if there is none; the
   * very same object if all of it may be told. @throws SecretsError (or rejects with one) as `seeTools`.
   */
  seeAbout(server: Server, about: About): About | Promise<About> {
    const { pins } = this.#kept.view(server);
    const texts = new Map([...fieldsOf(about)].map(([field, value]) => [field, isDeep(value) ? oversized(field).text : canonical(value)]));
    const now = this.#options.clock.now();
    const judge = (before: ServerPins): ReturnType<typeof seeAbout> => seeAbout(before, texts, { now, flags: flagsOfDefinition });
    if (judge(pins).pins === pins) return told(about, pins);
    return this.#kept.update(server, judge).then((stored) => {
      recordNews(this.#options.audit, server.name, 'toolChanged', stored.news);
      return told(about, stored.pins);
    });
  }

  /**
   * Accepts what was shown to a person.
   * @throws SecretsError `toolsMoved` if the server offers something else by now; what was still the same is accepted then, too.
   */
  async accept(server: Server, shown: Waiting, actor: AuditEntry['actor']): Promise<void> {
    const { missed } = await this.#kept.update(server, (pins) => acceptShown(pins, shown));
    const taken = [...shown.about.keys(), ...shown.tools.keys()].filter((name) => !missed.includes(name));
    recordAccepted(this.#options.audit, server.name, taken, actor);
    this.#accepted.fire(server.name);
    if (missed.length > 0) throw new SecretsError('toolsMoved', { server: server.name, names: missed });
  }
}

/** A list on its way to a judgement. */
interface List {
  /** `undefined` for what is no tool. */
  readonly definitions: readonly (Definition | undefined)[];
  /** As they came. */
  readonly texts: readonly string[];
  readonly last: boolean;
  readonly newTools: () => NewTools;
  readonly suspicion: Suspicion;
}

function isKept({ tools }: ServerPins, { name, text }: Definition): boolean {
  const pin = tools.get(name);
  return pin?.accepted === text || pin?.offered === text;
}

function fieldsOf(about: About): Map<AboutField, unknown> {
  return new Map(Object.entries(about) as [AboutField, unknown][]);
}

function told(about: About, { about: pins }: ServerPins): About {
  const replaced = [...pins].filter(([field, { offered }]) => offered !== undefined && (about[field] ?? null) !== null);
  if (replaced.length === 0) return about;
  return { ...about, ...Object.fromEntries(replaced.map(([field, { accepted }]) => [field, valueOf(accepted)])) };
}

function valueOf(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return ''; // Nested too deeply for it.
  }
}
