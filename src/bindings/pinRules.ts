import { isOversized, oversized } from './tool';
import type { Definition } from './tool';
import type { Flag } from './toolFlags';

/** What happens to a tool that was not there at first: `ask` hides it until it is accepted, `deny` does so without asking, `allow` accepts it. */
export type NewTools = 'ask' | 'allow' | 'deny';

/** One thing that a server says of itself: as it was accepted, and as the server has it now if that waits for a person. Canonical JSON. */
export interface Pin {
  readonly accepted?: string;
  readonly offered?: string;
  /** What is suspicious about what is offered. */
  readonly flags?: readonly Flag[];
  /** Accepted under an earlier plan of the server, and not seen since. */
  readonly former?: true;
}

/** What is known of one server. Every method here makes a new one; an old one never changes. */
export interface ServerPins {
  readonly name: string;
  /** What is started or contacted under this name: the digest of that. */
  readonly target: string;
  /** When its tools were first listed, ms since the epoch; `undefined` if they never were. */
  readonly began: number | undefined;
  /** Whether a list was read to its end. From then on, what is new is new. */
  readonly complete: boolean;
  /** How often a person has accepted something. */
  readonly reviews: number;
  readonly tools: ReadonlyMap<string, Pin>;
  /** What it says of itself at the handshake. */
  readonly about: ReadonlyMap<AboutField, Pin>;
}

/** What a server says of itself: orders to the agent, and its name. */
export type AboutField = 'instructions' | 'serverInfo';

/** What is found out when a list is looked at. */
export interface Seen {
  /** The very same object if nothing is new. */
  readonly pins: ServerPins;
  /** The tools that agents must not see. */
  readonly hidden: ReadonlySet<string>;
  /** The tools that have become blocked now, and were not before in this form. */
  readonly news: Readonly<Record<NewsKind, readonly string[]>>;
  /** How many were accepted unseen. */
  readonly trusted: number;
}

/** `changed`: another definition than the accepted one. `flagged`: a suspicious one. `new`: was not there at first. */
export type NewsKind = 'changed' | 'flagged' | 'new';

/** What a list is judged by. */
export interface Judgement {
  readonly now: number;
  readonly newTools: NewTools;
  /** Whether nothing comes after these. */
  readonly last: boolean;
  /** What is suspicious about it. Asked only about what is new. */
  readonly flags: (definition: Definition) => readonly Flag[];
}

/** A list that never ends does not stay a first one for longer. */
const FIRST_LIST_MS = 10 * 60_000;
/** Bounds for a server that makes up tools without end. */
const MAX_TOOLS = 10_000;
/** Characters of all definitions of one server. */
const MAX_TEXT = 8 * 1024 * 1024;

/** A server of which nothing is known. */
export function beginning(name: string, target: string): ServerPins {
  return { name, target, began: undefined, complete: false, reviews: 0, tools: new Map(), about: new Map() };
}

/** The same under a new plan: what it offers first is trusted anew, and what was waiting goes on waiting. */
export function renewed(pins: ServerPins, target: string): ServerPins {
  return { ...pins, target, began: undefined, complete: false, tools: former(pins.tools), about: former(pins.about) };
}

function former<K>(pins: ReadonlyMap<K, Pin>): Map<K, Pin> {
  return new Map([...pins].map(([name, pin]) => [name, { ...pin, former: true }]));
}

/** Whether what it offers now is trusted because it is the first thing that is seen of it. */
export function isFirstUse({ complete, began }: ServerPins, now: number): boolean {
  return !complete && (began === undefined || Math.abs(now - began) < FIRST_LIST_MS);
}

/** Looks at a list of tools, or a page of one. */
export function seeTools(pins: ServerPins, listed: readonly Definition[], judgement: Judgement): Seen {
  const { last, newTools, now } = judgement;
  const first = isFirstUse(pins, now);
  const changes = new Map<string, Pin>();
  const hidden = new Set<string>();
  const news: Record<NewsKind, string[]> = { changed: [], flagged: [], new: [] };
  let trusted = 0;
  let room = MAX_TEXT - lengthOf(pins);
  for (const [name, texts] of textsByName(listed)) {
    const before = pins.tools.get(name);
    const flags = (text: string): readonly Flag[] => (texts.length > 1 ? ['ambiguous'] : judgement.flags({ name, text }));
    let after = judge(before, texts, { first, newTools, flags });
    if (after === before) {
      if (after.offered !== undefined) hidden.add(name);
      continue;
    }
    if (after.offered !== undefined) hidden.add(name);
    if (lengthOfPin(after) - lengthOfPin(before) > room || (before === undefined && pins.tools.size + changes.size >= MAX_TOOLS)) {
      hidden.add(name);
      if (before?.accepted === undefined) continue;
      after = { accepted: before.accepted, offered: oversized(name).text };
    }
    room -= lengthOfPin(after) - lengthOfPin(before);
    changes.set(name, after);
    if (after.accepted !== before?.accepted) trusted += 1;
    if (after.offered === undefined || after.offered === before?.offered) continue;
    if (after.accepted !== undefined) news.changed.push(name);
    else if (after.flags !== undefined) news.flagged.push(name);
    else if (newTools !== 'deny') news.new.push(name);
  }
  const complete = pins.complete || last;
  const same = changes.size === 0 && complete === pins.complete && pins.began !== undefined;
  const next = { ...pins, began: pins.began ?? now, complete, tools: new Map([...pins.tools, ...changes]) };
  return { pins: same ? pins : next, hidden, news, trusted };
}

/**
 * Looks at what a server says of itself. @param texts canonical JSON; `null` for what it does not say.
 * @returns also what is another text than the accepted one now, and was not before.
 */
export function seeAbout(
  pins: ServerPins,
  texts: ReadonlyMap<AboutField, string>,
  { now, flags }: { readonly now: number; readonly flags: (definition: Definition) => readonly Flag[] },
): { readonly pins: ServerPins; readonly news: readonly AboutField[] } {
  const about = new Map(pins.about);
  const news: AboutField[] = [];
  for (const [field, text] of texts) {
    const before = about.get(field);
    // Saying nothing misleads nobody.
    if (text === 'null' && before !== undefined) continue;
    const after = judge(before, [text], {
      first: before === undefined || isFirstUse(pins, now),
      newTools: 'ask',
      flags: (other) => flags({ name: field, text: other }),
    });
    if (after !== before) about.set(field, after);
    if (after.offered !== undefined && after.offered !== before?.offered) news.push(field);
  }
  const same = [...about].every(([field, pin]) => pins.about.get(field) === pin);
  return { pins: same ? pins : { ...pins, about }, news };
}

/** What waits for a person, by name and text. */
export interface Waiting {
  readonly tools: ReadonlyMap<string, string>;
  readonly about: ReadonlyMap<AboutField, string>;
}

/** What waits for a person. */
export function waitingIn({ tools, about }: ServerPins): Waiting {
  return { tools: offeredIn(tools), about: offeredIn(about) };
}

function offeredIn<K>(pins: ReadonlyMap<K, Pin>): Map<K, string> {
  return new Map([...pins].flatMap(([name, { offered }]) => (offered === undefined ? [] : [[name, offered]])));
}

/**
 * Accepts what was shown, as far as it is what still waits.
 * @returns also the names of what was not accepted: the server offers something else by now, or it is too large to be shown.
 */
export function acceptShown(pins: ServerPins, shown: Waiting): { readonly pins: ServerPins; readonly missed: readonly string[] } {
  const tools = accept(pins.tools, shown.tools);
  const about = accept(pins.about, shown.about);
  return {
    pins: { ...pins, reviews: pins.reviews + 1, tools: tools.pins, about: about.pins },
    missed: [...tools.missed, ...about.missed],
  };
}

function accept<K extends string>(before: ReadonlyMap<K, Pin>, shown: ReadonlyMap<K, string>): { pins: Map<K, Pin>; missed: string[] } {
  const pins = new Map(before);
  const missed: string[] = [];
  for (const [name, text] of shown) {
    // What cannot be shown cannot be accepted.
    if (pins.get(name)?.offered === text && !isOversized({ name, text })) pins.set(name, { accepted: text });
    else missed.push(name);
  }
  return { pins, missed };
}

interface Trust {
  readonly first: boolean;
  readonly newTools: NewTools;
  readonly flags: (text: string) => readonly Flag[];
}

/** What becomes of a pin when the server offers these texts under its name. The same object if nothing changes. */
function judge(before: Pin | undefined, texts: readonly string[], { first, newTools, flags: look }: Trust): Pin {
  const other = texts.find((text) => text !== before?.accepted);
  // It is what was accepted, or that again.
  if (other === undefined) return before?.offered === undefined && before?.former === undefined ? (before ?? {}) : accepted(before);
  const waiting = before?.offered === other;
  const flags = waiting ? (before.flags ?? []) : look(other);
  const trusts = before?.accepted === undefined ? newTools === 'allow' || (first && !waiting) : first && before.former === true && !waiting;
  if (trusts && flags.length === 0 && texts.length === 1) return { accepted: other };
  if (waiting && before.former === undefined) return before;
  return { ...accepted(before), offered: other, ...(flags.length === 0 ? {} : { flags }) };
}

function accepted(pin: Pin | undefined): Pin {
  return pin?.accepted === undefined ? {} : { accepted: pin.accepted };
}

/** By name, one text or two different ones: a third one says nothing new. */
function textsByName(listed: readonly Definition[]): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const { name, text } of listed) {
    const texts = all.get(name);
    if (texts === undefined) all.set(name, [text]);
    else if (texts.length === 1 && texts[0] !== text) texts.push(text);
  }
  return all;
}

function lengthOf({ tools }: ServerPins): number {
  let length = 0;
  for (const pin of tools.values()) length += lengthOfPin(pin);
  return length;
}

function lengthOfPin(pin: Pin | undefined): number {
  return (pin?.accepted?.length ?? 0) + (pin?.offered?.length ?? 0);
}
