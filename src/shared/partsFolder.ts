import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { linkOrCopy, syncFolder, writeNew } from './atomicFile';
import { makePrivateFolder } from './privacy';
import { storeFailure } from './storeFailure';

const NAME = /^[a-z0-9]{1,64}$/;

/** The parts of a tree store: files that never change once they are written, in a folder that nobody else can enter. */
export class PartsFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  has(name: string): boolean {
    return NAME.test(name) && existsSync(join(this.path, name));
  }

  /** A part; `undefined` if there is none of that name. @throws SecretsError `storeFailed`. */
  read(name: string): string | undefined {
    if (!NAME.test(name)) return undefined;
    const path = join(this.path, name);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw storeFailure(path, error);
    }
  }

  /** Writes new parts through to the disk, one after the other, with turns for others. Throws the system's error, or `tooOpen`. */
  async add(parts: ReadonlyMap<string, string>): Promise<void> {
    if (parts.size === 0) return;
    makePrivateFolder(this.path);
    let written = 0;
    for (const [name, text] of parts) {
      if (!NAME.test(name)) throw new TypeError('This cannot be the name of a part.');
      if (written > 0) await nextTurn();
      writeNew(join(this.path, name), text, 0o600);
      written += 1;
    }
    syncFolder(this.path);
  }

  /** Removes all parts but these. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#list()) if (!names.has(name)) rmSync(join(this.path, name), { recursive: true, force: true });
  }

  /** Makes a folder that holds the same parts. */
  copyTo(folder: string): void {
    makePrivateFolder(folder);
    for (const name of this.#list()) linkOrCopy(join(this.path, name), join(folder, name));
    syncFolder(folder);
  }

  #list(): string[] {
    return existsSync(this.path) ? readdirSync(this.path) : [];
  }
}
