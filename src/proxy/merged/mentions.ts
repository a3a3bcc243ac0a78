/** URIs that are remembered for one server; the oldest are forgotten. */
const MAX_URIS = 4_096;
const MAX_DEPTH = 12;
/** Values that are looked at in one message. */
const MAX_VALUES = 20_000;

/** The URIs that a server spoke of without listing them: links in results, pages that belong to tools. They can be asked for, too. */
export class Mentions {
  readonly #uris = new Set<string>();

  /** Remembers what stands under a key that ends with "uri" (`uri`, `resourceUri`, `ui/resourceUri`) somewhere in a value. */
  learn(value: unknown): void {
    const rest: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
    for (let seen = 0; seen < MAX_VALUES; seen += 1) {
      const next = rest.pop();
      if (next === undefined) return;
      if (typeof next.value !== 'object' || next.value === null || next.depth > MAX_DEPTH) continue;
      for (const [key, member] of Object.entries(next.value)) {
        if (typeof member === 'string' && /uri$/i.test(key)) this.#add(member);
        else rest.push({ value: member, depth: next.depth + 1 });
      }
    }
  }

  has(uri: string): boolean {
    return this.#uris.has(uri);
  }

  #add(uri: string): void {
    this.#uris.delete(uri);
    this.#uris.add(uri);
    const [oldest] = this.#uris;
    if (this.#uris.size > MAX_URIS && oldest !== undefined) this.#uris.delete(oldest);
  }
}
