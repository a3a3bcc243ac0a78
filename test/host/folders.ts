import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Fresh folders of one launch, all under `root`, so that a test can search every file that came to be. */
export interface LaunchFolders {
  readonly root: string;
  /** VS Code's server data: user settings, logs, workspace state. */
  readonly dataDir: string;
  readonly extensionsDir: string;
  /** The browser's profile, which holds what VS Code keeps in the browser. */
  readonly profileDir: string;
  readonly home: string;
  readonly tmp: string;
  readonly run: string;
}

/** Makes the folders of one launch. The names are short because unix socket paths may not exceed 107 bytes. */
export async function makeFolders(): Promise<LaunchFolders> {
  const root = await mkdtemp(join(tmpdir(), 'mcps-'));
  const folders: LaunchFolders = {
    root,
    dataDir: join(root, 'data'),
    extensionsDir: join(root, 'exts'),
    profileDir: join(root, 'profile'),
    home: join(root, 'home'),
    tmp: join(root, 'tmp'),
    run: join(root, 'run'),
  };
  await Promise.all(Object.values(folders).map((folder: string) => mkdir(folder, { recursive: true, mode: 0o700 })));
  return folders;
}
