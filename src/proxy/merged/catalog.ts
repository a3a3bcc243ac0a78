import { publicName } from './names';
import { prefixedUri, splitUri } from './uris';

/** What servers list. */
export type Kind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** One tool, prompt, resource or template, with all the fields that its server gave it. */
export type Item = Readonly<Record<string, unknown>>;

/** How each kind is listed: the method, the field that names an item, and the capability of servers that have it. */
export const KINDS: Readonly<
  Record<Kind, { readonly method: string; readonly key: string; readonly capability: 'tools' | 'prompts' | 'resources' }>
> = {
  tools: { method: 'tools/list', key: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', key: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', key: 'uri', capability: 'resources' },
  resourceTemplates: { method: 'resources/templates/list', key: 'uriTemplate', capability: 'resources' },
};

/** Every kind. */
export const ALL_KINDS = Object.keys(KINDS) as readonly Kind[];

/** Where something that the agent knows by one name really is. */
export interface Place {
  readonly server: string;
  /** The server's own name or URI for it. */
  readonly own: string;
}

/** An item as the agent sees it. */
export interface Listed extends Place {
  readonly item: Item;
}

/** The lists of one kind of several servers as one. */
export interface Merged {
  /** By the name or URI that the agent knows, in the order in which they are listed. */
  readonly byShown: ReadonlyMap<string, Listed>;
  /** The servers that list something under a name or URI of their own. */
  readonly owners: ReadonlyMap<string, readonly string[]>;
  /** The list as a JSON array. */
  readonly json: string;
}

/** Puts lists together. The result follows from the lists alone. Of items that a server lists twice the first counts; those without a name are left out. */
export function merge(kind: Kind, lists: ReadonlyMap<string, readonly Item[]>): Merged {
  const { key } = KINDS[kind];
  const owners = ownersIn(key, lists);
  const byShown = new Map<string, Listed>();
  for (const [server, items] of lists) {
    for (const item of items) {
      const own = item[key];
      if (typeof own !== 'string') continue;
      const shown = kind === 'tools' || kind === 'prompts' ? publicName(server, own) : shownUri(server, own, owners);
      if (!byShown.has(shown)) byShown.set(shown, { server, own, item: shown === own ? item : { ...item, [key]: shown } });
    }
  }
  return { byShown, owners, json: JSON.stringify([...byShown.values()].map(({ item }) => item)) };
}

/** A URI as the agent is shown it: as it is, if only this server lists it. */
export function shownUri(server: string, uri: string, owners: Merged['owners']): string {
  return (owners.get(uri)?.length ?? 0) > 1 || splitUri(uri) !== undefined ? prefixedUri(server, uri) : uri;
}

function ownersIn(key: string, lists: ReadonlyMap<string, readonly Item[]>): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const [server, items] of lists) {
    for (const item of items) {
      const own = item[key];
      if (typeof own !== 'string') continue;
      const known = owners.get(own);
      if (known === undefined) owners.set(own, [server]);
      else if (!known.includes(server)) known.push(server);
    }
  }
  return owners;
}
