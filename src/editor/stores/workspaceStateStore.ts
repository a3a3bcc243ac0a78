import { join } from 'node:path';
import type { Memento } from 'vscode';
import type { BlobStore } from '../../shared/blobStore';
import { FileBlobStore } from '../../shared/fileBlobStore';

/** What the names of our files in the storage folder end with. */
export const STORE_FILE_ENDING = '.store';

interface Copy {
  readonly raw: string;
  readonly generation: number;
  readonly text: string;
}

/**
 * Keeps a document in the workspace state. Windows on one folder do not see each other's workspace state, and
 * the one that writes last overwrites all of it; so the truth is decided under the lock of a file beside it, and
 * both hold a copy with a generation. The newer one counts. If one is lost, the other one restores it.
 */
export class WorkspaceStateStore implements BlobStore {
  readonly #memento: Memento;
  readonly #key: string;
  readonly #file: FileBlobStore;
  /** The newer copy as last seen, and what it was chosen from. */
  #seen: { fileRaw: string | undefined; stateRaw: string | undefined; copy: Copy | undefined } | undefined;

  #kept: PromiseLike<void> = Promise.resolve();

  /** @param name of the document, for both places. @param folder for the file; it is made when needed. */
  constructor(memento: Memento, folder: string, name: string) {
    this.#memento = memento;
    this.#key = `store/${name}`;
    this.#file = new FileBlobStore(join(folder, name + STORE_FILE_ENDING));
  }

  read(): string | undefined {
    return this.#newer(this.#file.read())?.text;
  }

  async update(change: (current: string | undefined) => Promise<string | undefined>): Promise<void> {
    await this.#file.update(async (fileRaw) => {
      const current = this.#newer(fileRaw);
      const next = await change(current?.text);
      return next === undefined ? undefined : `${String((current?.generation ?? 0) + 1)}\n${next}`;
    });
    this.read();
    await this.#kept;
  }

  #newer(fileRaw: string | undefined): Copy | undefined {
    const value = this.#memento.get<unknown>(this.#key);
    const stateRaw = typeof value === 'string' ? value : undefined;
    if (this.#seen?.fileRaw === fileRaw && this.#seen?.stateRaw === stateRaw) return this.#seen?.copy;
    const inFile = parse(fileRaw);
    const inState = parse(stateRaw);
    // The file is written first, so of two equal generations it holds the one that was agreed on.
    const copy = inState !== undefined && inState.generation > (inFile?.generation ?? 0) ? inState : inFile;
    this.#seen = { fileRaw, stateRaw, copy };
    if (copy !== undefined && copy === inFile && inFile.raw !== stateRaw) this.#keepInState(copy.raw);
    return copy;
  }

  /** Not waited for by readers: the file holds the same, so that nothing is lost if this fails. */
  #keepInState(raw: string): void {
    this.#kept = this.#memento.update(this.#key, raw).then(undefined, () => undefined);
  }
}

/** A copy is the generation, a line break and the text: no parsing of the text where only its age is asked for. */
function parse(raw: string | undefined): Copy | undefined {
  const end = raw?.indexOf('\n') ?? -1;
  if (raw === undefined || end < 1) return undefined;
  const generation = Number(raw.slice(0, end));
  return Number.isSafeInteger(generation) && generation > 0 ? { raw, generation, text: raw.slice(end + 1) } : undefined;
}
