import { createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { open, seal } from './cipher';
import type { OpenedSecret } from './secret';

/** More sets of secrets than this are not used at one time. */
const MAX_BUNDLES = 256;

const NOTHING = Buffer.alloc(0);

interface Bundle {
  /** Without their values. */
  readonly secrets: readonly OpenedSecret[];
  /** How many bytes each value has. */
  readonly lengths: readonly number[];
  readonly sealed: Buffer;
}

/**
 * Secrets that are opened together again and again, sealed together once more, so that one opening does for all of them. The key
 * is random, never stored, and gone with this object.
 */
export class Bundles {
  readonly #key: KeyObject = newKey();
  readonly #bundles = new Map<string, Bundle>();

  /** Seals what was opened. @param id of this set of secrets; not secret. The values are not changed. */
  keep(id: string, opened: readonly OpenedSecret[]): void {
    if (this.#bundles.size === MAX_BUNDLES) this.#bundles.clear();
    const all = Buffer.concat(opened.map(({ value }) => value));
    try {
      this.#bundles.set(id, {
        secrets: opened.map((secret) => ({ ...secret, value: NOTHING })),
        lengths: opened.map(({ value }) => value.length),
        sealed: seal(this.#key, all, Buffer.from(id)),
      });
    } finally {
      all.fill(0);
    }
  }

  /** What was kept under `id`, opened; the caller overwrites the values. `undefined` if nothing was. */
  open(id: string): OpenedSecret[] | undefined {
    const bundle = this.#bundles.get(id);
    const all = bundle === undefined ? undefined : open(this.#key, bundle.sealed, Buffer.from(id));
    if (bundle === undefined || all === undefined) return undefined;
    let end = 0;
    return bundle.secrets.map((secret, index) => {
      const start = end;
      end += bundle.lengths[index] ?? 0;
      return { ...secret, value: all.subarray(start, end) };
    });
  }
}

function newKey(): KeyObject {
  const bytes = randomBytes(32);
  try {
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}
