import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { linkOrCopy, PREVIOUS_ENDING, removeTemporaries, syncFolder, writeFileAtomic } from './atomicFile';
import { CachedFile } from './cachedFile';
import { withFileLock } from './fileLock';
import type { FileLock } from './fileLock';
import { PartsFolder } from './partsFolder';
import { makePrivateFolder } from './privacy';
import { storeFailure } from './storeFailure';
import type { Commit, TreeStore } from './treeStore';

const NAMES_LINE = /^parts(?: [a-z0-9]{1,64})*\n/;

/** What the head file holds: a line with the names of all parts, and the head. */
interface Tree {
  readonly raw: string;
  readonly names: readonly string[];
  readonly head: string;
}

/**
 * A tree store in files: `vault.json` is the head, `vault.parts/` has one file per part, `vault.json.previous` is the
 * head before. All of it must be this user's alone (0600, 0700), else everything is refused with `tooOpen`.
 * What writers that died have left is removed by the next change.
 */
export class FileTreeStore implements TreeStore {
  readonly path: string;
  readonly #folder: string;
  /** The path without its ending. */
  readonly #stem: string;
  readonly #parts: PartsFolder;
  readonly #file: CachedFile;
  readonly #previous: CachedFile;
  #seen: Tree | undefined;

  /** @param path of the head file. A file without a line of names is a head without parts. */
  constructor(path: string) {
    this.path = path;
    this.#folder = dirname(path);
    this.#stem = path.slice(0, path.length - extname(path).length);
    this.#parts = new PartsFolder(`${this.#stem}.parts`);
    this.#file = new CachedFile(path, { own: true });
    this.#previous = new CachedFile(path + PREVIOUS_ENDING, { own: true });
  }

  read(mayBeLate = false): string | undefined {
    return this.#tree(mayBeLate)?.head;
  }

  /** The names of the parts that belong to the head. */
  names(): readonly string[] {
    return this.#tree()?.names ?? [];
  }

  /** Whether there is a part of that name. Faster than `part`. */
  has(name: string): boolean {
    return this.#parts.has(name);
  }

  part(name: string): string | undefined {
    return this.#parts.read(name);
  }

  previous(): string | undefined {
    return parse(this.#previous.read())?.head;
  }

  async update(change: (head: string | undefined) => Promise<Commit | undefined>): Promise<void> {
    await this.#locked(async (held) => {
      const commit = await change(this.read());
      if (commit !== undefined) await this.#trying(() => this.#write(commit, held));
    });
  }

  heads(): string[] {
    const moved = this.#archives().map((folder) => new FileTreeStore(join(folder, basename(this.path))));
    const reads = [this, ...moved].flatMap((store) => [() => store.read(), () => store.previous()]);
    return reads.map(orNothing).filter((head) => head !== undefined);
  }

  /** Into a folder of its own, `vault.archived-<time>/`: first all of it is there as well, then it is gone from here. */
  async archive(): Promise<string> {
    const archive = `${this.#stem}.archived-${new Date().toISOString().replaceAll(':', '-')}`;
    await this.#locked((held) =>
      this.#trying(() => {
        makePrivateFolder(archive);
        for (const file of this.#headFiles()) linkOrCopy(file, join(archive, basename(file)));
        this.#parts.copyTo(join(archive, basename(this.#parts.path)));
        for (const folder of [archive, this.#folder]) syncFolder(folder);
        this.#clear(held);
      }),
    );
    return archive;
  }

  async destroy(): Promise<void> {
    await this.#locked((held) =>
      this.#trying(() => {
        this.#clear(held);
        for (const archive of this.#archives()) remove(archive);
      }),
    );
  }

  #tree(mayBeLate = false): Tree | undefined {
    const raw = this.#file.read(mayBeLate);
    if (this.#seen?.raw !== raw) this.#seen = parse(raw);
    return this.#seen;
  }

  async #locked(act: (held: FileLock) => Promise<void>): Promise<void> {
    await this.#trying(() => {
      makePrivateFolder(this.#folder);
    });
    await withFileLock(this.path, async (held) => {
      this.#file.forget();
      await act(held);
    });
  }

  async #trying(act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      throw storeFailure(this.path, error);
    }
  }

  async #write(commit: Commit, held: FileLock): Promise<void> {
    try {
      await this.#parts.add(commit.parts);
      writeFileAtomic(this.path, format(commit), { keepPrevious: true, confirm: () => held.confirm() });
    } finally {
      this.#file.forget();
      if (held.isHeld()) this.#sweep();
    }
  }

  /**
   * Removes what neither the head nor the one before needs, and what writers that died have left. The files on the disk
   * say what that is, so it is right after a failure too; if they cannot be read, everything stays.
   */
  #sweep(): void {
    try {
      const needed = new Set([this.#file, this.#previous].flatMap((file) => parse(file.read())?.names ?? []));
      this.#parts.keepOnly(needed);
      removeTemporaries(this.path);
    } catch {
      // The next change tries again.
    }
  }

  /** What was moved aside. @throws SecretsError `storeFailed` if that cannot be told. */
  #archives(): string[] {
    const start = `${basename(this.#stem)}.archived-`;
    return this.#names()
      .filter((name) => name.startsWith(start))
      .map((name) => join(this.#folder, name));
  }

  #names(): string[] {
    try {
      return existsSync(this.#folder) ? readdirSync(this.#folder) : [];
    } catch (error) {
      throw storeFailure(this.#folder, error);
    }
  }

  #headFiles(): string[] {
    return [this.path, this.path + PREVIOUS_ENDING].filter((file) => existsSync(file));
  }

  /** The head goes first: without it nothing is there, whatever is left. */
  #clear(held: FileLock): void {
    held.confirm();
    for (const file of this.#headFiles()) remove(file);
    syncFolder(this.#folder);
    removeTemporaries(this.path);
    remove(this.#parts.path);
  }
}

function orNothing(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function parse(raw: string | undefined): Tree | undefined {
  if (raw === undefined) return undefined;
  const line = NAMES_LINE.exec(raw)?.[0] ?? '';
  return { raw, names: line.trimEnd().split(' ').slice(1), head: raw.slice(line.length) };
}

function format({ names, head }: Commit): string {
  return `${['parts', ...names].join(' ')}\n${head}`;
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
