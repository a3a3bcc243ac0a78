import { join } from 'node:path';
import type { Memento } from 'vscode';
import type { Headless } from '../../../src/cli/headless';
import { EditorTreeStore } from '../../../src/editor/stores/editorTreeStore';
import { systemClock } from '../../../src/shared/clock';
import { generationOf } from '../../../src/vault/neededKeys';
import { Vault } from '../../../src/vault/vault';
import { Vaults } from '../../../src/vault/vaults';

/** Which stores keep the vaults: those of the command line or those of the editor. */
export type Stores = 'files' | 'editor';

/** Vaults as a window keeps them, in the home; their keys are in the key file, which processes can share. */
export function editorVaults({ home, keys, audit }: Headless): Vaults {
  const vault = (folder: string): Vault =>
    new Vault({
      store: new EditorTreeStore({ memento: memento(), folder: join(home, folder), name: 'vault', generationOf }),
      keys: keys.store,
      clock: systemClock,
      audit,
    });
  return new Vaults(vault('window'), vault('user'));
}

/** The workspace state of this window alone. */
function memento(): Memento {
  const values = new Map<string, unknown>();
  return {
    keys: () => [...values.keys()],
    get: <T>(key: string, fallback?: T) => (values.get(key) as T | undefined) ?? fallback,
    update: (key: string, value: unknown) => Promise.resolve(void values.set(key, JSON.parse(JSON.stringify(value)))),
  };
}
