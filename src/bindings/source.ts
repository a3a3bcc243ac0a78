import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../shared/atomicFile';
import { CachedFile } from '../shared/cachedFile';
import { SecretsError } from '../shared/errors';
import { withFileLock } from '../shared/fileLock';
import { storeFailure } from '../shared/storeFailure';
import type { Server } from './server';
import { parseServersFile, SERVERS_FILE } from './serversFile';
import type { ServersFile } from './serversFile';

/** A repository ships the file, and each change is read whole. */
const MAX_BYTES = 1024 * 1024;

/** The servers of one workspace, always as the file is now. */
export class ServersSource {
  /** Absolute path of the workspace folder. */
  readonly folder: string;
  /** Absolute path of the servers file. */
  readonly path: string;
  readonly #file: CachedFile;
  #parsed: { text: string; file: ServersFile } | undefined;

  constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, SERVERS_FILE);
    this.#file = new CachedFile(this.path, { maxBytes: MAX_BYTES });
  }

  /** The text of the file; empty if there is none. @throws SecretsError `storeFailed` if it cannot be read. */
  text(): string {
    return this.#file.read() ?? '';
  }

  /** What the file says. Parses it again only if it has changed. @throws SecretsError `storeFailed` if it cannot be read. */
  file(): ServersFile {
    return this.#parse(this.text());
  }

  /** As `get`, for what every call asks: what was written to the file in the last 5 ms need not be seen. */
  atHand(name: string): Server {
    return serverIn(this.#parse(this.#file.read(true) ?? ''), name, this.path);
  }

  /**
   * One server by name.
   * @throws SecretsError `serverUnknown`; `serverInvalid` with its first problem; `serversFileInvalid` if no server can be read.
   */
  get(name: string): Server {
    return serverIn(this.file(), name, this.path);
  }

  /** Reads the file ahead. The first time takes long, for what it is checked with is made then. */
  prepare(): void {
    this.has('');
  }

  /** Whether the file has a server of this name, set up correctly or not. False if it cannot be read. */
  has(name: string): boolean {
    try {
      const { servers, problems } = this.file();
      return servers.has(name) || problems.some(({ server }) => server === name);
    } catch {
      return false;
    }
  }

  /**
   * Acts on the text of the file while no other `edit` does, in whatever process. `write` replaces the file whole: it keeps its permissions,
   * and a link to it stays a link. Editors do not know of this lock: a change that one saves at this moment can be lost.
   * @throws SecretsError `storeFailed`, `storeBusy`, and whatever `act` throws.
   */
  async edit<T>(act: (text: string, write: (text: string) => void) => T | Promise<T>): Promise<T> {
    const path = attempt(this.path, () => fileAt(this.path));
    return withFileLock(path, (held) =>
      act(this.text(), (text) => {
        attempt(path, () => {
          const mode = statSync(path, { throwIfNoEntry: false })?.mode;
          const confirm = (): void => held.confirm();
          writeFileAtomic(path, text, { shared: true, confirm, ...(mode === undefined ? {} : { mode: mode & 0o777 }) });
        });
      }),
    );
  }

  #parse(text: string): ServersFile {
    if (this.#parsed?.text !== text) this.#parsed = { text, file: parseServersFile(text, this.folder) };
    return this.#parsed.file;
  }
}

/** Where a file is that is there, perhaps by way of links, or is to be: its folder is made. Throws the system's error. */
function fileAt(path: string): string {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return realpathSync(path);
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw storeFailure(path, error);
  }
}

function serverIn({ servers, problems }: ServersFile, name: string, path: string): Server {
  const server = servers.get(name);
  if (server !== undefined) return server;
  const own = problems.find((p) => p.server === name);
  if (own !== undefined) throw new SecretsError('serverInvalid', { server: name, line: own.line, problem: own.message });
  const general = problems.find((p) => p.server === undefined);
  if (general !== undefined) throw new SecretsError('serversFileInvalid', { path, line: general.line, problem: general.message });
  throw new SecretsError('serverUnknown', { server: name, known: [...servers.keys()] });
}
