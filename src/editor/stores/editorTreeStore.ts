import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disposable, Memento } from 'vscode';
import { writeFileAtomic } from '../../shared/atomicFile';
import { FileTreeStore } from '../../shared/fileTreeStore';
import { storeFailure } from '../../shared/storeFailure';
import type { Commit, TreeStore } from '../../shared/treeStore';
import { FormerMemento, parseFormer } from './formerState';
import { sizeOf, StateMirror } from './stateMirror';
import type { Mirror } from './stateMirror';
import { STORE_FILE_ENDING } from './workspaceStateStore';

/** A copy with more characters than this is written when nothing has changed for a while. */
const SMALL = 256 * 1024;
/** VS Code hands the whole workspace state around as one text: what is larger than this is kept in the files alone. */
const LARGEST = 2 * 1024 * 1024;
const DELAY_MS = 2_000;

interface Options {
  readonly memento: Memento;
  /** For the files; all windows on one workspace have the same. It is made when needed. */
  readonly folder: string;
  /** Of the document, for both places. */
  readonly name: string;
  /** How new a head is: higher is newer; 0 for one that does not say; Infinity for one that no copy may take the place of. */
  readonly generationOf: (head: string) => number;
}

interface Current {
  readonly head: string;
  readonly isInFiles: boolean;
}

/**
 * Keeps a document in files that all windows on one workspace share, with a copy in the workspace state. The files are
 * the truth; where they are gone, or older than the copy, the copy counts, and the next change restores them. A document of
 * more than 2 MB has no copy.
 */
export class EditorTreeStore implements TreeStore, Disposable {
  readonly path: string;
  readonly #files: FileTreeStore;
  readonly #mirror: StateMirror;
  readonly #former: FormerMemento;
  readonly #generationOf: Options['generationOf'];
  #seen: { fileHead: string | undefined; mirror: Mirror | undefined; current: Current | undefined } | undefined;
  /** Characters of the document, as of the last copy. */
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ memento, folder, name, generationOf }: Options) {
    this.path = join(folder, name + STORE_FILE_ENDING);
    this.#files = new FileTreeStore(this.path);
    this.#mirror = new StateMirror(memento, `tree/${name}`);
    this.#former = new FormerMemento(memento, name);
    this.#generationOf = generationOf;
  }

  read(mayBeLate = false): string | undefined {
    const fileHead = this.#files.read(mayBeLate);
    const mirror = this.#mirror.get();
    if (this.#seen === undefined || this.#seen.fileHead !== fileHead || this.#seen.mirror !== mirror) {
      this.#seen = { fileHead, mirror, current: this.#choose(fileHead) };
      // Another window has changed the files: the copy of this one must not stay behind for good.
      if (this.#seen.current?.isInFiles === true && mirror?.head !== fileHead) this.#keepLater();
    }
    return this.#seen.current?.head;
  }

  part(name: string): string | undefined {
    return this.#files.part(name) ?? this.#validMirror()?.parts[name];
  }

  previous(): string | undefined {
    const text = this.#files.previous();
    return parseFormer(text)?.head ?? text;
  }

  heads(): string[] {
    const inFiles = this.#files.heads().map((text) => parseFormer(text)?.head ?? text);
    return [this.#mirror.get()?.head, this.#former.get()?.head, ...inFiles].filter((head) => head !== undefined);
  }

  async update(change: (head: string | undefined) => Promise<Commit | undefined>): Promise<void> {
    let isChanged = false as boolean;
    await this.#files.update(async (fileHead) => {
      const commit = await change(this.#choose(fileHead)?.head);
      isChanged = commit !== undefined;
      return commit && this.#completed(commit);
    });
    if (!isChanged) return;
    await this.#former.remove();
    if (this.#size > SMALL) this.#keepLater();
    else await this.#keep();
  }

  async archive(): Promise<string> {
    await this.#restore();
    this.#voidCopies();
    const place = await this.#files.archive();
    await this.#dropCopies();
    return place;
  }

  async destroy(): Promise<void> {
    this.#voidCopies();
    await this.#files.destroy();
    await this.#dropCopies();
  }

  /** Writes the copy now if it is still to be written. */
  async flush(): Promise<void> {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#keep();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The newest of what there is. */
  #choose(fileHead: string | undefined): Current | undefined {
    const formerFile = parseFormer(fileHead);
    const mirror = this.#validMirror();
    if (fileHead !== undefined && formerFile === undefined) {
      const isOlder = mirror !== undefined && mirror.generation > this.#generationOf(fileHead);
      return isOlder ? { head: mirror.head, isInFiles: false } : { head: fileHead, isInFiles: true };
    }
    if (mirror !== undefined) return { head: mirror.head, isInFiles: false };
    const formerCopy = this.#clearedAt() === undefined ? this.#former.get() : undefined;
    const former = (formerCopy?.changes ?? 0) > (formerFile?.changes ?? 0) ? formerCopy : formerFile;
    return former && { head: former.head, isInFiles: false };
  }

  /** With what the files have lost of the parts that are needed. */
  #completed(commit: Commit): Commit {
    const copies = this.#validMirror()?.parts ?? {};
    const lost = commit.names.filter((name) => !commit.parts.has(name) && !this.#files.has(name));
    const found = lost.flatMap((name) => (copies[name] === undefined ? [] : [[name, copies[name]] as const]));
    return { ...commit, parts: new Map([...commit.parts, ...found]) };
  }

  /** Puts back into the files what they have lost. */
  async #restore(): Promise<void> {
    await this.#files.update((fileHead) => {
      const current = this.#choose(fileHead);
      if (current === undefined || current.isInFiles) return Promise.resolve(undefined);
      const names = Object.keys(this.#validMirror()?.parts ?? {});
      return Promise.resolve(this.#completed({ head: current.head, parts: new Map(), names }));
    });
  }

  #keepLater(): void {
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS);
  }

  async #keep(): Promise<void> {
    try {
      const head = this.#files.read();
      if (head === undefined || parseFormer(head) !== undefined || this.#generationOf(head) === Infinity) return;
      const known = this.#mirror.get()?.parts ?? {};
      const parts = this.#files.names().map((name) => [name, known[name] ?? this.#files.part(name)] as const);
      // Changed again just now: the next read sees that.
      if (parts.some(([, text]) => text === undefined)) return;
      const copy = {
        time: Math.max(Date.now(), (this.#clearedAt() ?? 0) + 1),
        generation: this.#generationOf(head),
        head,
        parts: Object.fromEntries(parts) as Record<string, string>,
      };
      this.#size = sizeOf(copy);
      await this.#mirror.set(this.#size > LARGEST ? undefined : copy);
    } catch {
      // The files are the truth; who reads them next hears of it.
    }
  }

  /** The copy, unless it is from before everything was archived or destroyed, maybe in another window. */
  #validMirror(): Mirror | undefined {
    const mirror = this.#mirror.get();
    return mirror !== undefined && mirror.time > (this.#clearedAt() ?? 0) ? mirror : undefined;
  }

  get #clearedPath(): string {
    return `${this.path}.cleared`;
  }

  #clearedAt(): number | undefined {
    try {
      return Number(readFileSync(this.#clearedPath, 'latin1')) || undefined;
    } catch {
      return undefined;
    }
  }

  /** Copies in other windows cannot be reached: they must not bring back what is gone. */
  #voidCopies(): void {
    try {
      writeFileAtomic(this.#clearedPath, String(Date.now()));
    } catch (error) {
      throw storeFailure(this.path, error);
    }
  }

  async #dropCopies(): Promise<void> {
    this.dispose();
    await this.#mirror.set(undefined);
    await this.#former.remove();
  }
}
