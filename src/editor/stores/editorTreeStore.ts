import { join } from 'node:path';
import type { Disposable, Memento } from 'vscode';
import { FileTreeStore } from '../../shared/fileTreeStore';
import { storeFailure } from '../../shared/storeFailure';
import type { Commit, TreeStore } from '../../shared/treeStore';
import { ClearedFile, isAbandoned, isAfter } from './clearedMark';
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

/** What `read` has found, and what it found it in. */
interface Seen {
  readonly fileHead: string | undefined;
  readonly mirror: Mirror | undefined;
  /** The id of the mark. */
  readonly mark: string;
  readonly current: Current | undefined;
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
  /** Archiving and destroying clear the files, and make copies in other windows void. */
  readonly #cleared: ClearedFile;
  #seen: Seen | undefined;
  /** Characters of the document, as of the last copy. */
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ memento, folder, name, generationOf }: Options) {
    this.path = join(folder, name + STORE_FILE_ENDING);
    this.#files = new FileTreeStore(this.path);
    this.#mirror = new StateMirror(memento, `tree/${name}`);
    this.#former = new FormerMemento(memento, name);
    this.#generationOf = generationOf;
    this.#cleared = new ClearedFile(join(folder, `${name}.cleared`), `${this.path}.cleared`);
  }

  read(mayBeLate = false): string | undefined {
    const fileHead = this.#files.read(mayBeLate);
    const mirror = this.#mirror.get();
    if (!this.#isStill(fileHead, mirror)) {
      const mark = this.#cleared.read().id;
      this.#seen = { fileHead, mirror, mark, current: this.#choose(fileHead) };
      // Another window has changed the files: the copy of this one must not stay behind for good.
      if (this.#seen.current?.isInFiles === true && this.#validMirror()?.head !== fileHead) this.#keepLater();
    }
    return this.#seen?.current?.head;
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
    return await this.#clear(() => this.#files.archive());
  }

  async destroy(): Promise<void> {
    await this.#clear(() => this.#files.destroy());
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

  /** Whether there is nothing new since `read` last looked. What comes from a copy may be void by now, without any other change. */
  #isStill(fileHead: string | undefined, mirror: Mirror | undefined): boolean {
    const seen = this.#seen;
    if (seen === undefined || seen.fileHead !== fileHead || seen.mirror !== mirror) return false;
    return seen.current?.isInFiles !== false || seen.mark === this.#cleared.read().id;
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
    const formerCopy = this.#cleared.read().id === '' ? this.#former.get() : undefined;
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
      // Before the files are read: if they are cleared meanwhile, the copy is void from the start.
      const mark = this.#markOfCopies();
      if (mark === undefined) {
        this.#keepLater();
        return;
      }
      const head = this.#files.read();
      if (head === undefined || parseFormer(head) !== undefined || this.#generationOf(head) === Infinity) return;
      const known = this.#mirror.get()?.parts ?? {};
      const parts = this.#files.names().map((name) => [name, known[name] ?? this.#files.part(name)] as const);
      // Changed again just now: the next read sees that.
      if (parts.some(([, text]) => text === undefined)) return;
      const copy = {
        mark,
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

  /** The mark that a copy is made under now; `undefined` if the files are about to go, so that there must be no new copy of them. */
  #markOfCopies(): string | undefined {
    if (isAbandoned(this.#cleared.read(), Date.now())) this.#cleared.end();
    const { id, since } = this.#cleared.read();
    return since === undefined ? id : undefined;
  }

  /** The copy, unless it is from before everything was archived or destroyed, maybe in another window. */
  #validMirror(): Mirror | undefined {
    const mirror = this.#mirror.get();
    return mirror !== undefined && isAfter(this.#cleared.read(), mirror) ? mirror : undefined;
  }

  /** Clears the files. Copies in other windows cannot be reached: they must not bring back what is gone. */
  async #clear<T>(act: () => Promise<T>): Promise<T> {
    try {
      this.#cleared.begin();
    } catch (error) {
      throw storeFailure(this.path, error);
    }
    const result = await act().finally(() => this.#endClearing());
    await this.#dropCopies();
    return result;
  }

  /** Also if it has failed: copies count again, but those from before do not. */
  #endClearing(): void {
    try {
      this.#cleared.end();
    } catch {
      // After a while the next copy ends it.
    }
  }

  async #dropCopies(): Promise<void> {
    this.dispose();
    await this.#mirror.set(undefined);
    await this.#former.remove();
  }
}
