/** The longest window: the longer it is, the more text is skipped at a time. */
const MAX_WINDOW = 24;
/** Characters that are looked at together. */
const BLOCK = 3;

/**
 * Finds any of many texts in one pass (Wu and Manber, 1994): a window as long as the shortest text slides over the
 * input, and its last three characters tell how far it may jump. Time grows with the input's length, hardly with the
 * number of texts.
 */
export class Matcher {
  readonly #window: number;
  readonly #mask: number;
  /** By hash of a block: how far the window may jump. */
  readonly #jumps: Uint8Array;
  /** By hash of the last block of their window: the texts, the longest first. */
  readonly #texts = new Map<number, string[]>();

  /** @param texts each at least 3 characters long. */
  constructor(texts: Iterable<string>) {
    const all = [...new Set(texts)].sort((a, b) => b.length - a.length);
    this.#window = Math.min(MAX_WINDOW, all.at(-1)?.length ?? MAX_WINDOW);
    const wanted = all.length * (this.#window - BLOCK + 1) * 16;
    const size = 2 ** Math.min(16, Math.max(10, Math.ceil(Math.log2(wanted + 1))));
    this.#mask = size - 1;
    this.#jumps = new Uint8Array(size).fill(this.#window - BLOCK + 1);
    for (const text of all) this.#add(text);
  }

  /** Whether it has nothing to look for. */
  get isEmpty(): boolean {
    return this.#texts.size === 0;
  }

  /** Calls back for every place where a text begins, with the longest that does. Places come in order and may overlap. */
  search(input: string, found: (start: number, text: string) => void): void {
    if (this.isEmpty) return;
    const jumps = this.#jumps;
    const mask = this.#mask;
    const back = this.#window - 1;
    for (let end = back; end < input.length;) {
      const hash = hashOf(input.charCodeAt(end - 2), input.charCodeAt(end - 1), input.charCodeAt(end)) & mask;
      const jump = jumps[hash] ?? 1;
      if (jump > 0) {
        end += jump;
        continue;
      }
      const text = this.#texts.get(hash)?.find((candidate) => input.startsWith(candidate, end - back));
      if (text !== undefined) found(end - back, text);
      end += 1;
    }
  }

  #add(text: string): void {
    const last = this.#window - BLOCK;
    for (let at = 0; at <= last; at += 1) {
      const hash = hashOf(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)) & this.#mask;
      this.#jumps[hash] = Math.min(this.#jumps[hash] ?? 0, last - at);
      if (at < last) continue;
      const same = this.#texts.get(hash);
      if (same === undefined) this.#texts.set(hash, [text]);
      else same.push(text);
    }
  }
}

function hashOf(a: number, b: number, c: number): number {
  const mixed = Math.imul(a | (b << 8) | (c << 16), 0x9e3779b1) ^ (c >>> 8);
  return mixed ^ (mixed >>> 16);
}
