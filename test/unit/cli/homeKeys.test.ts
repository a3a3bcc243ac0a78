import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysOfHome, neededKeysOf } from '../../../src/cli/homeKeys';
import { systemClock } from '../../../src/shared/clock';
import { SecretsError } from '../../../src/shared/errors';
import { FileTreeStore } from '../../../src/shared/fileTreeStore';
import { fingerprintOf } from '../../../src/vault/keys';
import { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';
import { RecordingAudit } from '../support/memory';
import { valueOf } from '../support/vaults';

describe('the keys of a home', () => {
  const folder = temporaryFolder();
  let count = 0;
  let home = '';
  beforeEach(() => {
    count += 1;
    home = join(folder(), `home ${String(count)}`);
  });

  const keysHere = (named?: string): ReturnType<typeof keysOfHome> =>
    keysOfHome(home, named, () => Promise.reject(new SecretsError('passphraseNeeded', {})));
  const storeAt = (place: string): FileTreeStore => new FileTreeStore(join(home, place, 'vault.json'));
  const vaultAt = (place: string, keys = keysHere()): Vault =>
    new Vault({ store: storeAt(place), keys: keys.store, clock: systemClock, audit: new RecordingAudit() });

  async function vaultWith(place: string, value: string): Promise<Vault> {
    const vault = vaultAt(place);
    await vault.set('TOKEN', Buffer.from(value), 'cli');
    return vault;
  }

  const keysInFile = (): Promise<number> => keysHere().file.read((keys) => keys.length);
  const rotate = (place: string): Promise<unknown> => vaultAt(place).rotateKey('cli', () => undefined);

  it('are needed by its vaults, by archived ones too', async () => {
    assert.deepEqual(neededKeysOf(home), []);
    await vaultWith('workspaces/one', '1');
    await vaultWith('user', '2');
    assert.equal(neededKeysOf(home)?.length, 2);
    const key = await keysHere().store.create('x');
    for (const { vaultId, keyIds } of neededKeysOf(home) ?? []) assert.deepEqual([...new Set(keyIds)], [fingerprintOf(key, vaultId)]);
    await storeAt('workspaces/one').archive();
    assert.equal(neededKeysOf(home)?.length, 2);
  });

  it('cannot be told when a vault cannot be read', async () => {
    await vaultWith('workspaces/one', '1');
    mkdirSync(join(home, 'workspaces/two'), { mode: 0o700 });
    writeFileSync(join(home, 'workspaces/two/vault.json'), 'damaged', { mode: 0o600 });
    assert.equal(neededKeysOf(home), undefined);
  });

  it('are replaced vault by vault, and a former one is gone when the last vault does without it', async () => {
    await vaultWith('workspaces/one', '1');
    await vaultWith('workspaces/two', '2');
    await rotate('workspaces/one');
    assert.equal(await keysInFile(), 2);
    assert.deepEqual([await valueOf(vaultAt('workspaces/one'), 'TOKEN'), await valueOf(vaultAt('workspaces/two'), 'TOKEN')], ['1', '2']);
    await rotate('workspaces/two');
    assert.equal(await keysInFile(), 1);
    assert.deepEqual([await valueOf(vaultAt('workspaces/one'), 'TOKEN'), await valueOf(vaultAt('workspaces/two'), 'TOKEN')], ['1', '2']);
  });

  it('stay when an archived vault needs them, which then opens again', async () => {
    await vaultWith('workspaces/one', '1');
    const archive = await storeAt('workspaces/one').archive();
    await vaultWith('workspaces/one', 'new');
    await rotate('workspaces/one');
    assert.equal(await keysInFile(), 2);
    cpSync(archive, join(home, 'workspaces/restored'), { recursive: true });
    // Since Node 22 a copied folder has other rights than the one that was copied.
    chmodSync(join(home, 'workspaces/restored'), 0o700);
    assert.equal(await valueOf(vaultAt('workspaces/restored'), 'TOKEN'), '1');
  });

  it('stay when the user has named the key file, which other homes may use', async () => {
    const named = join(folder(), `shared key ${String(count)}`);
    const vault = vaultAt('workspaces/one', keysHere(named));
    await vault.set('TOKEN', Buffer.from('1'), 'cli');
    await vault.rotateKey('cli', () => undefined);
    assert.equal(await keysHere(named).file.read((keys) => keys.length), 2);
    assert.ok(keysHere(named).isShared);
    assert.ok(!keysHere(join(home, 'key')).isShared, 'its own file, by its own name');
  });

  it('that are lost are not replaced while a vault needs them', async () => {
    await vaultWith('workspaces/one', '1');
    rmSync(join(home, 'key'));
    const { details } = await refusal('keyNeeded', () => vaultWith('workspaces/two', '2'));
    assert.deepEqual(details, { path: join(home, 'key'), folders: [join(home, 'workspaces/one')] });
  });

  it('that are lost are not replaced while a vault that cannot be read may need them', async () => {
    await vaultWith('workspaces/one', '1');
    rmSync(join(home, 'key'));
    writeFileSync(join(home, 'workspaces/one/vault.json'), 'damaged', { mode: 0o600 });
    await refusal('keyNeeded', () => vaultWith('workspaces/two', '2'));
  });

  it('that are lost are replaced when the vaults that need them were moved aside', async () => {
    await vaultWith('workspaces/one', '1');
    await storeAt('workspaces/one').archive();
    rmSync(join(home, 'key'));
    assert.equal(await valueOf(await vaultWith('workspaces/one', 'new'), 'TOKEN'), 'new');
  });
});
