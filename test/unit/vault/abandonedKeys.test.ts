import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileKeyStore } from '../../../src/vault/fileKeyStore';
import type { NeededKeys } from '../../../src/vault/fileKeyStore';
import { KeyFile } from '../../../src/vault/keyFile';
import { fingerprintOf } from '../../../src/vault/keys';
import { temporaryFolder } from '../support/folders';

describe('what processes that died have left beside the key file', () => {
  const root = temporaryFolder();
  const vaultId = 'a'.repeat(32);
  const neverMade = 'b'.repeat(32);
  let folder = '';
  let needed: NeededKeys[] = [];
  let store: FileKeyStore;

  beforeEach(() => {
    folder = join(root(), String(readdirSync(root()).length));
    mkdirSync(folder, { mode: 0o700 });
    needed = [];
    const file = new KeyFile(join(folder, 'key'), () => Promise.reject(new Error('nobody is asked')));
    store = new FileKeyStore({ file, folder, neededKeys: () => needed, vaultsInUse: () => [] });
  });

  const keys = (): string[] => readFileSync(join(folder, 'key'), 'utf8').trim().split('\n');

  /** Replaces the key of the one vault that there is, while another one was being made. */
  async function rotate(): Promise<void> {
    const first = fingerprintOf(await store.create(vaultId), vaultId);
    needed = [{ vaultId, keyIds: [first] }];
    await store.create(neverMade);
    const next = fingerprintOf(await store.successor(vaultId, first), vaultId);
    needed = [{ vaultId, keyIds: [next] }];
    await store.retire(vaultId, next);
  }

  it('a key that a vault was given a moment ago is kept, as the vault may still come to be', async () => {
    await rotate();
    assert.equal(keys().length, 2);
  });

  it('a vault that was never made holds on to its key for a day only', async () => {
    await rotate();
    const note = join(folder, 'given-keys', neverMade);
    const temporary = `${note}.0123456789ab.tmp`;
    writeFileSync(temporary, '');
    const long = new Date(Date.now() - 2 * 86_400_000);
    for (const path of [note, temporary]) utimesSync(path, long, long);
    await store.retire(vaultId, needed[0]?.keyIds[0]);
    assert.equal(keys().length, 1);
    assert.deepEqual(readdirSync(join(folder, 'given-keys')), []);
  });

  it('a generation that was half written is gone after the next one', async () => {
    await store.keepGeneration(vaultId, 1);
    const temporary = join(folder, 'generations', `${vaultId}.0123456789ab.tmp`);
    writeFileSync(temporary, '2');
    await store.keepGeneration(vaultId, 2);
    assert.ok(!existsSync(temporary));
    assert.equal(await store.generation(vaultId), 2);
  });
});
