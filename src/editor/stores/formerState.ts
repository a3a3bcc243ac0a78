import type { Memento } from 'vscode';

/** A vault's document as version 0.1 kept it in one text, with how often it had been changed. */
export interface FormerState {
  readonly changes: number;
  readonly head: string;
}

/** Reads what version 0.1 kept: a number, a line break and the document. `undefined` if it is not that. */
export function parseFormer(text: unknown): FormerState | undefined {
  if (typeof text !== 'string') return undefined;
  const [line, changes] = /^([1-9]\d{0,14})\n/.exec(text) ?? [];
  return line === undefined ? undefined : { changes: Number(changes), head: text.slice(line.length) };
}

/** The copy of a document that version 0.1 kept in the workspace state. */
export class FormerMemento {
  readonly #memento: Memento;
  readonly #key: string;

  constructor(memento: Memento, name: string) {
    this.#memento = memento;
    this.#key = `store/${name}`;
  }

  get(): FormerState | undefined {
    return parseFormer(this.#memento.get<unknown>(this.#key));
  }

  /** Never rejects: what is left is older than what there is. */
  async remove(): Promise<void> {
    if (this.#memento.get<unknown>(this.#key) === undefined) return;
    try {
      await this.#memento.update(this.#key, undefined);
    } catch {
      // Said above.
    }
  }
}
