import { inTurns } from '../../shared/steps';
import type { Steps } from '../../shared/steps';
import { visible } from '../../shared/visible';
import { Cuts } from '../interceptors/splice';
import type { KnownSecrets } from './knownSecrets';
import { Fingerprints } from './fingerprints';
import type { SecretPlace } from './fingerprints';
import { secretPlacesIn, textOrParts } from './search';

/** A tool call as a person may see it. */
export interface ShownCall {
  /** The name, as it is but for values of secrets. */
  readonly tool: string;
  /** Indented JSON. What cannot be seen is written as escapes. Nested so deeply that it cannot be written, it says so. */
  readonly arguments: string;
}

/**
 * A tool call for a person to read: the value of a secret is `[secret:NAME]`, and only that: what stands beside it in the same
 * text is shown, and every member is.
 */
export async function maskedCall(known: KnownSecrets, tool: string, args: unknown): Promise<ShownCall> {
  const fingerprints = await printsOf(known);
  const masks = await inTurns(masksFor(fingerprints, [tool, args]));
  return { tool: masks.get(tool) ?? tool, arguments: shownJson(args, masks) };
}

function shownJson(args: unknown, masks: Masks): string {
  try {
    const text = JSON.stringify(args, (_, value: unknown) => masked(value, masks), 2);
    return text.split('\n').map(visible).join('\n');
  } catch {
    return '(nested too deeply to be shown)';
  }
}

/** What is shown in place of a text, for each that holds the value of a secret. */
type Masks = ReadonlyMap<string, string>;

/** One value as it is shown; what is in it comes later. */
function masked(value: unknown, masks: Masks): unknown {
  if (typeof value === 'string') return masks.get(value) ?? value;
  if (typeof value === 'number') return masks.get(String(value)) ?? value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return masks.size === 0 ? value : withMaskedNames(value, masks);
}

/** Names that would be the same with the values masked get numbers: a member that is not shown would be consented to unseen. */
function withMaskedNames(members: object, masks: Masks): object {
  const taken = new Set(Object.keys(members).filter((name) => !masks.has(name)));
  const counts = new Map<string, number>();
  const free = (mask: string): string => {
    let count = counts.get(mask) ?? 0;
    let name: string;
    do name = (count += 1) === 1 ? mask : `${mask} (${String(count)})`;
    while (taken.has(name));
    counts.set(mask, count);
    taken.add(name);
    return name;
  };
  const shown = Object.entries(members).map(([name, member]): [string, unknown] => {
    const mask = masks.get(name);
    return [mask === undefined ? name : free(mask), member];
  });
  return Object.fromEntries(shown);
}

function* masksFor(fingerprints: Fingerprints, args: unknown): Steps<Masks> {
  const masks = new Map<string, string>();
  const rest: unknown[] = [args];
  while (rest.length > 0) {
    const text = textOrParts(rest.pop(), rest);
    if (text === undefined || masks.has(text)) continue;
    const places = yield* secretPlacesIn(fingerprints, text);
    if (places.length > 0) masks.set(text, yield* withoutValues(text, places));
    yield;
  }
  return masks;
}

function* withoutValues(text: string, places: readonly SecretPlace[]): Steps<string> {
  const cuts = new Cuts();
  cuts.add(places.map(({ ref, start, end }) => ({ start, end, mark: `[secret:${ref.name}]` })));
  return yield* cuts.apply(text);
}

/** If the values cannot be opened, they cannot be told from other text. */
async function printsOf(known: KnownSecrets): Promise<Fingerprints> {
  try {
    return await known.current();
  } catch {
    return new Fingerprints([]);
  }
}
