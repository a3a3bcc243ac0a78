import { inTurns } from '../../shared/steps';
import type { Branch } from './branch';
import { KINDS, merge } from './catalog';
import type { Kind, Merged, Place } from './catalog';
import { splitName } from './names';
import { ToolSearch } from './search';
import { fitsTemplate, prefixedUri, splitUri } from './uris';

/** Where a request goes: to this server, under its own name or URI. */
export interface Target {
  readonly branch: Branch;
  readonly own: string;
}

/** What all servers of a session list, as one, and where each of it is. Puts lists together again only after one has changed. */
export class Directory {
  readonly #branches: ReadonlyMap<string, Branch>;
  readonly #merged = new Map<Kind, Merged>();
  #search: Promise<ToolSearch> | undefined;

  constructor(branches: ReadonlyMap<string, Branch>) {
    this.#branches = branches;
  }

  /** A list has changed, or a server with one has come or gone. */
  changed(kind: Kind): void {
    this.#merged.delete(kind);
    if (kind === 'tools') this.#search = undefined;
  }

  /** The lists of one kind as one. */
  merged(kind: Kind): Merged {
    let merged = this.#merged.get(kind);
    if (merged === undefined) {
      const lists = [...this.#branches].map(([server, branch]) => [server, branch.list(kind) ?? []] as const);
      this.#merged.set(kind, (merged = merge(kind, new Map(lists))));
    }
    return merged;
  }

  /** Finds tools by words. */
  search(): Promise<ToolSearch> {
    const tools = this.merged('tools').byShown;
    this.#search ??= inTurns(ToolSearch.over([...tools].map(([name, { item }]) => [name, item])));
    return this.#search;
  }

  /** Who has a tool or a prompt. One that is not listed (any more) is looked for where its name says, so that the server itself, or a policy, answers. */
  named(kind: 'tools' | 'prompts', name: string): Target | undefined {
    const listed = this.merged(kind).byShown.get(name);
    if (listed !== undefined) return this.#at(listed);
    const split = splitName(name);
    return split === undefined ? undefined : this.#at({ server: split.server, own: split.name });
  }

  /**
   * Who has a resource: every server that could be meant. First those that list it or have spoken of it, then those with a
   * template that fits, then all that have resources.
   */
  resource(uri: string): readonly Target[] {
    const split = splitUri(uri);
    const there = split === undefined ? undefined : this.#at({ server: split.server, own: split.uri });
    if (there !== undefined) return [there];
    const branches = [...this.#branches.values()];
    const listing = this.merged('resources').owners.get(uri) ?? [];
    const known = branches.filter((branch) => listing.includes(branch.server) || branch.mentions.has(uri));
    const fitting = known.length > 0 ? known : branches.filter((branch) => hasTemplateFor(branch, uri));
    const able = fitting.length > 0 ? fitting : branches.filter((branch) => branch.capabilities.resources !== undefined);
    return able.map((branch) => ({ branch, own: uri }));
  }

  /** Who has a resource template, or the resource, that a completion is for. */
  template(uri: string): readonly Target[] {
    const listed = this.merged('resourceTemplates').byShown.get(uri);
    const there = listed === undefined ? undefined : this.#at(listed);
    return there === undefined ? this.resource(uri) : [there];
  }

  #at({ server, own }: Place): Target | undefined {
    const branch = this.#branches.get(server);
    return branch === undefined ? undefined : { branch, own };
  }
}

/** The URIs by which an agent can say which of several servers it means. */
export function choicesOf(targets: readonly Target[]): string {
  return targets.map(({ branch, own }) => prefixedUri(branch.server, own)).join(', ');
}

function hasTemplateFor(branch: Branch, uri: string): boolean {
  const { key } = KINDS.resourceTemplates;
  return (branch.list('resourceTemplates') ?? []).some((item) => typeof item[key] === 'string' && fitsTemplate(item[key], uri));
}
