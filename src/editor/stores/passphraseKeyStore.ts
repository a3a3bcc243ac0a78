import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileKeyStore } from '../../vault/fileKeyStore';
import type { NeededKeys } from '../../vault/fileKeyStore';
import { KeyFile } from '../../vault/keyFile';
import type { AskPassphrase } from '../../vault/keyFile';
import { STORE_FILE_ENDING } from './workspaceStateStore';

/** A key store for where the secret storage keeps nothing: a file beside the vault that only a passphrase opens. */
export interface PassphraseKeyStore {
  readonly file: KeyFile;
  readonly store: FileKeyStore;
  /** Destroys the keys and what is noted about them. Needs no passphrase. @throws SecretsError `storeFailed`, `storeBusy`. */
  remove(): Promise<void>;
}

/** @param folder the vault's own. @param neededKeys what that vault needs; see FileKeyStore. Reads and makes nothing. */
export function passphraseKeyStore(
  folder: string,
  ask: AskPassphrase,
  neededKeys: () => readonly NeededKeys[] | undefined,
): PassphraseKeyStore {
  const file = new KeyFile(join(folder, `key${STORE_FILE_ENDING}`), ask, true);
  const remove = async (): Promise<void> => {
    await file.remove();
    for (const notes of ['generations', 'given-keys']) await rm(join(folder, notes), { recursive: true, force: true });
  };
  const vaultsInUse = (): string[] => (neededKeys()?.length === 0 ? [] : [folder]);
  return { file, store: new FileKeyStore({ file, folder, neededKeys, vaultsInUse }), remove };
}
