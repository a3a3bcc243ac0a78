import { randomFillSync } from 'node:crypto';
import type { OpenedSecret } from './secret';

/** More sets of secrets than this are not used at one time. */
const MAX_BUNDLES = 256;

const NOTHING = Buffer.alloc(0);

interface Bundle {
  /** Without their values. */
  readonly secrets: readonly OpenedSecret[];
  /** How many bytes each value has. */
  readonly lengths: readonly number[];
  /** As many random bytes as the values have together. */
  readonly pad: Buffer;
  /** The values, with the pad added (XOR). */
  readonly masked: Buffer;
}

/**
 * Secrets that are opened together again and again. Between two openings they are in memory in two halves, a one-time pad and what
 * it makes of the values: neither says anything without the other. To put those together costs far less than opening records. Gone
 * with this object, never stored.
 */
export class Bundles {
  readonly #bundles = new Map<string, Bundle>();

  /** Keeps what was opened. @param id of this set of secrets; not secret. The values are not changed. */
  keep(id: string, opened: readonly OpenedSecret[]): void {
    if (this.#bundles.size === MAX_BUNDLES) this.#bundles.clear();
    const masked = Buffer.concat(opened.map(({ value }) => value));
    const pad = randomFillSync(Buffer.alloc(masked.length));
    add(pad, masked, masked);
    this.#bundles.set(id, {
      secrets: opened.map((secret) => ({ ...secret, value: NOTHING })),
      lengths: opened.map(({ value }) => value.length),
      pad,
      masked,
    });
  }

  /** What was kept under `id`, opened; the caller overwrites the values. `undefined` if nothing was. */
  open(id: string): OpenedSecret[] | undefined {
    const bundle = this.#bundles.get(id);
    if (bundle === undefined) return undefined;
    const all = Buffer.allocUnsafe(bundle.masked.length);
    add(bundle.pad, bundle.masked, all);
    let end = 0;
    return bundle.secrets.map((secret, index) => {
      const start = end;
      end += bundle.lengths[index] ?? 0;
      return { ...secret, value: all.subarray(start, end) };
    });
  }
}

/** Adds bytes to bytes (XOR), which takes them out again as well. @param to may be one of the two. */
function add(a: Buffer, b: Buffer, to: Buffer): void {
  for (let i = 0; i < to.length; i += 1) to[i] = (a[i] ?? 0) ^ (b[i] ?? 0);
}
