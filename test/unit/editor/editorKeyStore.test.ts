import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EditorKeyStore } from '../../../src/editor/stores/editorKeyStore';
import { SecretsError } from '../../../src/shared/errors';
import type { NeededKeys } from '../../../src/vault/fileKeyStore';
import { fingerprintOf } from '../../../src/vault/keys';
import { MemorySecretStorage } from '../support/editorState';
import { refusal } from '../support/errors';

const VAULT = 'a'.repeat(32);

describe('the keys of a vault in the editor', function () {
  this.timeout(30_000); // A passphrase is slow to be made into a key.
  let folder: string;
  let secrets: MemorySecretStorage;
  let needed: () => NeededKeys | undefined;
  /** What the user types when asked; `undefined`: nobody can be asked. */
  let typed: string | undefined;
  let asked: number;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-unit-')));
    secrets = new MemorySecretStorage();
    needed = () => undefined;
    typed = undefined;
    asked = 0;
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** As after a restart. */
  function open(): EditorKeyStore {
    const ask = (): Promise<Buffer> => {
      asked += 1;
      return typed === undefined ? Promise.reject(new SecretsError('passphraseNeeded', {})) : Promise.resolve(Buffer.from(typed));
    };
    return new EditorKeyStore(secrets, folder, ask, () => needed());
  }

  /** A vault, and its key. */
  async function begun(keys: EditorKeyStore): Promise<{ key: Buffer; keyId: string }> {
    const key = await keys.create(VAULT);
    const keyId = fingerprintOf(key, VAULT);
    needed = () => ({ vaultId: VAULT, keyIds: [keyId] });
    return { key, keyId };
  }

  it('move under a passphrase and back, and are only in one place', async () => {
    const keys = open();
    const { key, keyId } = await begun(keys);
    await keys.protect(Buffer.from('a passphrase'));
    assert.deepEqual([keys.isProtected, [...secrets.values.keys()]], [true, []]);
    await refusal('passphraseNeeded', () => open().get(VAULT, keyId));
    typed = 'another one';
    await refusal('passphraseWrong', () => open().get(VAULT, keyId));
    typed = 'a passphrase';
    const again = open();
    assert.deepEqual(await again.get(VAULT, keyId), key);
    await again.unprotect();
    assert.deepEqual([again.isProtected, readdirSync(folder)], [false, []]);
    assert.deepEqual(await open().get(VAULT, keyId), key);
  });

  it('can be under a passphrase before there is a vault, and leave it again', async () => {
    await open().protect(Buffer.from('a passphrase'));
    typed = 'a passphrase';
    const { key, keyId } = await begun(open());
    assert.deepEqual(await open().get(VAULT, keyId), key);
    needed = () => undefined;
    await open().unprotect();
    assert.deepEqual([open().isProtected, readdirSync(folder)], [false, []]);
  });

  it('stay when the passphrase is to be removed without knowing it, or when it cannot be told which are needed', async () => {
    await open().protect(Buffer.from('a passphrase'));
    await refusal('passphraseNeeded', () => open().unprotect());
    typed = 'a passphrase';
    needed = () => {
      throw new SecretsError('vaultDamaged', { what: 'a test' });
    };
    await refusal('vaultDamaged', () => open().unprotect());
    assert.ok(open().isProtected);
  });

  it('are destroyed with their vault, also by whoever has forgotten the passphrase', async () => {
    const keys = open();
    await begun(keys);
    await keys.protect(Buffer.from('a passphrase'));
    await keys.keepGeneration(VAULT, 3);
    await open().retire(VAULT, undefined);
    assert.equal(asked, 0);
    assert.deepEqual([readdirSync(folder), [...secrets.values.keys()]], [[], []]);
  });

  it('are prepared: asked for ahead, once, and only if there is a passphrase', async () => {
    const keys = open();
    const { keyId } = await begun(keys);
    await keys.prepare();
    assert.equal(asked, 0);
    await keys.protect(Buffer.from('a passphrase'));
    typed = 'a passphrase';
    const again = open();
    await again.prepare();
    await again.get(VAULT, keyId);
    assert.equal(asked, 1);
    again.forget();
    await again.prepare();
    assert.equal(asked, 2);
  });
});
