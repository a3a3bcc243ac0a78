import type { Memento } from 'vscode';

/** A copy of a vault's document outside of its files. */
export interface Mirror {
  /** What the files said of when they were last cleared, when it was made. See `ClearedMark`. */
  readonly mark?: string;
  /** When it was made (ms since the epoch), in copies that have no mark. */
  readonly time?: number;
  readonly generation: number;
  readonly head: string;
  /** All parts that the head needs, by name. */
  readonly parts: Readonly<Record<string, string>>;
}

/** Keeps a copy of a document in the workspace state. Nothing depends on it: it is there for when the files are lost. */
export class StateMirror {
  readonly #memento: Memento;
  readonly #key: string;
  #seen: { value: unknown; mirror: Mirror | undefined } | undefined;

  constructor(memento: Memento, key: string) {
    this.#memento = memento;
    this.#key = key;
  }

  /** The copy; `undefined` if there is none. The same object while nothing has changed. */
  get(): Mirror | undefined {
    const value = this.#memento.get<unknown>(this.#key);
    if (this.#seen?.value !== value) this.#seen = { value, mirror: isMirror(value) ? value : undefined };
    return this.#seen?.mirror;
  }

  /** Never rejects: the files hold the same. */
  async set(mirror: Mirror | undefined): Promise<void> {
    try {
      await this.#memento.update(this.#key, mirror);
    } catch {
      // Said above.
    }
  }
}

/** How many characters a copy has. */
export function sizeOf({ head, parts }: Mirror): number {
  return Object.values(parts).reduce((size, part) => size + part.length, head.length);
}

function isMirror(value: unknown): value is Mirror {
  if (typeof value !== 'object' || value === null) return false;
  const { mark, time, generation, head, parts } = value as Record<string, unknown>;
  if (typeof mark !== 'string' && (mark !== undefined || typeof time !== 'number')) return false;
  if (typeof generation !== 'number' || typeof head !== 'string') return false;
  return typeof parts === 'object' && parts !== null && Object.values(parts).every((part) => typeof part === 'string');
}
