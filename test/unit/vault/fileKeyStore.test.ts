import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SecretsError } from '../../../src/shared/errors';
import { FileKeyStore } from '../../../src/vault/fileKeyStore';
import type { NeededKeys } from '../../../src/vault/fileKeyStore';
import { KeyFile } from '../../../src/vault/keyFile';
import type { AskPassphrase } from '../../../src/vault/keyFile';
import { fingerprintOf } from '../../../src/vault/keys';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

describe('the key file', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let count = 0;
  let home = '';
  let path = '';
  let needed: NeededKeys[] | undefined = [];
  let inUse: string[] = [];
  let store: FileKeyStore;
  beforeEach(() => {
    count += 1;
    home = join(folder(), `home ${String(count)}`);
    path = join(home, 'key');
    needed = [];
    inUse = [];
    store = open();
  });

  function open({ shared = false, ask = neverAsked }: { shared?: boolean; ask?: AskPassphrase } = {}): FileKeyStore {
    return new FileKeyStore({ file: new KeyFile(path, ask), folder: home, neededKeys: () => needed, vaultsInUse: () => inUse, shared });
  }

  /** The keys in the file, newest first. */
  const keysInFile = (): Buffer[] =>
    readFileSync(path, 'latin1')
      .trim()
      .split('\n')
      .map((line) => Buffer.from(line, 'base64'));

  /** Says that a vault is sealed under a key, as its head would. */
  function seal(vaultId: string, key: Buffer): string {
    const keyId = fingerprintOf(key, vaultId);
    needed = [...(needed ?? []).filter((one) => one.vaultId !== vaultId), { vaultId, keyIds: [keyId] }];
    return keyId;
  }

  it('that is not there holds no key, and asking makes nothing', async () => {
    assert.equal(await store.get('v', 'x'), undefined);
    assert.equal(await store.generation('v'), 0);
    assert.ok(!existsSync(home));
  });

  it("is made with the first vault, for this user's eyes only, and serves the next one", async () => {
    const key = await store.create('a');
    assert.equal(readFileSync(path, 'utf8'), `${key.toString('base64')}\n`);
    assert.deepEqual(await open().get('a', fingerprintOf(key, 'a')), key);
    assert.deepEqual(await open().create('b'), key);
    assert.deepEqual(await open().get('b', fingerprintOf(key, 'b')), key);
    assert.equal(await open().get('b', fingerprintOf(key, 'a')), undefined);
    if (process.platform === 'win32') return;
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(home).mode & 0o777, 0o700);
  });

  it('hands out keys that the caller can overwrite', async () => {
    const key = await store.create('a');
    const keyId = fingerprintOf(key, 'a');
    (await store.get('a', keyId))?.fill(0);
    (await store.successor('a', keyId)).fill(0);
    assert.deepEqual(await store.get('a', keyId), key);
    assert.ok(keysInFile().every((one) => !one.equals(Buffer.alloc(32))));
  });

  it('is the same for all who make it at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, (_, i) => open().create(`vault${String(i)}`)));
    assert.equal(new Set(keys.map((key) => key.toString('hex'))).size, 1);
    assert.equal(keysInFile().length, 1);
  });

  it('is not made anew while vaults are in use, which need the lost one', async () => {
    seal('other', randomBytes(32));
    inUse = ['/the/other', '/the/third'];
    const { message } = await refusal('keyNeeded', () => store.create('v'));
    assert.match(message, /There is no key in .*key, but .*: \/the\/other, \/the\/third\. Put the key file back\..*vault fresh --yes/);
    await refusal('keyNeeded', () => open({ shared: true }).create('v'));
    await refusal('keyLost', () => store.successor('v', 'x'));
    assert.ok(!existsSync(path));
  });

  it('is made anew when all that need the lost one were moved aside, and stays beside what they need', async () => {
    const lost = randomBytes(32);
    seal('aside', lost);
    const key = await store.create('v');
    const keyId = seal('v', key);
    await store.adopt('aside', lost); // is found again
    await store.retire('v', keyId);
    assert.deepEqual(keysInFile(), [lost, key]);
  });

  it('gets a further key for a vault that is to be sealed anew, and keeps both until it is', async () => {
    const first = await store.create('a');
    const old = seal('a', first);
    const second = await store.successor('a', old);
    assert.deepEqual(keysInFile(), [second, first]);
    // Begun and not finished: another process goes on with the same key.
    assert.deepEqual(await open().successor('a', old), second);
    assert.deepEqual(await open().get('a', old), first);
    const next = seal('a', second);
    await open().retire('a', next);
    assert.deepEqual(keysInFile(), [second]);
    assert.notDeepEqual(await store.successor('a', next), second);
  });

  it('keeps a key that another vault still needs, and drops it with the last of them', async () => {
    const first = await store.create('a');
    await store.create('b');
    const [oldA, oldB] = [seal('a', first), seal('b', first)];
    const second = await store.successor('a', oldA);
    await store.retire('a', seal('a', second));
    assert.deepEqual(keysInFile(), [second, first]);
    assert.deepEqual(await store.successor('b', oldB), second, 'the next vault gets the same new key');
    await store.retire('b', seal('b', second));
    assert.deepEqual(keysInFile(), [second]);
  });

  it('keeps a key that was given to a vault which does not say yet that it needs it', async () => {
    const first = await store.create('a');
    const oldA = seal('a', first);
    await store.create('new'); // is about to be stored
    const second = await store.successor('a', oldA);
    await store.retire('a', seal('a', second));
    assert.deepEqual(keysInFile(), [second, first]);

    const third = await store.successor('a', fingerprintOf(second, 'a'));
    const oldNew = seal('new', first);
    assert.deepEqual(await store.successor('new', oldNew), third); // is being sealed anew
    needed = [{ vaultId: 'new', keyIds: [oldNew] }];
    await store.retire('a', fingerprintOf(third, 'a'));
    assert.deepEqual(keysInFile(), [third, first]);
  });

  it('keeps all keys when it cannot be told which are needed', async () => {
    const first = await store.create('a');
    const second = await store.successor('a', seal('a', first));
    const next = seal('a', second);
    needed = undefined;
    await store.retire('a', next);
    assert.deepEqual(keysInFile(), [second, first]);
  });

  it('that other homes may share keeps former keys always, and is only read for a new vault', async () => {
    const shared = open({ shared: true });
    const first = await shared.create('a');
    const second = await shared.successor('a', seal('a', first));
    await shared.retire('a', seal('a', second));
    assert.deepEqual(keysInFile(), [second, first]);
    assert.deepEqual(await shared.create('b'), second);
    assert.ok(!existsSync(join(home, 'given-keys', 'b')));
    await shared.retire('a', undefined);
    assert.deepEqual(keysInFile(), [second, first]);
  });

  it('is gone with the last vault, and so is what is known of that', async () => {
    const first = await store.create('a');
    seal('a', first);
    await store.keepGeneration('a', 7);
    needed = [];
    await store.retire('a', undefined);
    assert.ok(!existsSync(path));
    assert.equal(await store.generation('a'), 0);
    assert.notDeepEqual(await store.create('b'), first);
  });

  it('can take a key that was kept elsewhere', async () => {
    const [own, other] = [await store.create('a'), randomBytes(32)];
    await store.adopt('b', other);
    await store.adopt('b', other);
    assert.deepEqual(keysInFile(), [other, own]);
    assert.deepEqual(await store.get('b', fingerprintOf(other, 'b')), other);
  });

  it('keeps the highest generation of each vault, whoever is last', async () => {
    await Promise.all([3, 9, 1, 7].map((generation) => open().keepGeneration('a', generation)));
    await store.keepGeneration('b', 2);
    assert.deepEqual([await open().generation('a'), await open().generation('b'), await open().generation('c')], [9, 2, 0]);
    for (const text of ['', 'x', '-1', '1e999']) {
      writeFileSync(join(home, 'generations', 'a'), text);
      assert.equal(await store.generation('a'), 0);
    }
  });

  it('is not led elsewhere by the id of a vault', async () => {
    for (const id of ['../key', '..', '', 'a/b']) {
      await assert.rejects(store.generation(id), TypeError);
      await assert.rejects(store.keepGeneration(id, 1), TypeError);
    }
    assert.ok(!existsSync(home));
  });

  it('leaves nothing beside it', async () => {
    const first = await store.create('a');
    writeFileSync(`${path}.0123456789ab.tmp`, 'half a key', { mode: 0o600 });
    const second = await store.successor('a', seal('a', first));
    await store.retire('a', seal('a', second));
    assert.deepEqual(readdirSync(home).sort(), ['given-keys', 'key']);
  });

  it('is not used while others may read it', async function () {
    if (process.platform === 'win32') this.skip();
    const key = await store.create('v');
    const keyId = fingerprintOf(key, 'v');
    for (const mode of [0o640, 0o604, 0o644, 0o620, 0o666]) {
      chmodSync(path, mode);
      assert.match((await refusal('tooOpen', () => store.get('v', keyId))).message, /Run "chmod 600 '/);
      await refusal('tooOpen', () => store.successor('v', keyId));
    }
    chmodSync(path, 0o400);
    assert.deepEqual(await store.get('v', keyId), key);
  });

  for (const text of [
    '',
    '\n',
    'x',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    randomBytes(32).toString('hex'),
    randomBytes(32).toString('base64').slice(0, -1),
    `${randomBytes(32).toString('base64')}\nmore`,
    `${randomBytes(32).toString('base64')}\n\n${randomBytes(32).toString('base64')}\n`,
    '{"format":1}',
    '{"format":1,"kdf":"scrypt","N":1073741824,"r":8,"p":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","sealed":"AAAA"}',
  ]) {
    it(`is not used when it does not hold keys: ${JSON.stringify(text.slice(0, 8))} (${String(text.length)})`, async () => {
      mkdirSync(home, { mode: 0o700 });
      writeFileSync(path, text, { mode: 0o600 });
      for (const act of [() => store.get('v', 'x'), () => store.create('v'), () => store.successor('v', 'x')]) {
        const error = await refusal('keyInvalid', act);
        assert.ok(text.trim().length < 2 || !error.message.includes(text.trim()));
      }
      assert.equal(readFileSync(path, 'utf8'), text);
    });
  }

  it('that is a folder is no reason to make another one', async () => {
    mkdirSync(path, { recursive: true });
    await refusal('keyInvalid', () => store.get('v', 'x'));
    await refusal('keyInvalid', () => store.create('v'));
  });

  describe('under a passphrase', () => {
    let asked: string[] = [];
    let passphrase = '';
    const ask = (which: 'present' | 'new'): Promise<Buffer> => {
      asked.push(which);
      return Promise.resolve(Buffer.from(passphrase));
    };
    beforeEach(() => {
      asked = [];
      passphrase = 'a passphrase';
    });

    it('holds the same keys, none of them to be seen, and asks once until it forgets', async () => {
      const key = await store.create('a');
      const keyId = fingerprintOf(key, 'a');
      await new KeyFile(path, neverAsked).protect(Buffer.from('a passphrase'));
      assert.ok(!readFileSync(path, 'utf8').includes(key.toString('base64').slice(0, 16)));
      const sealed = open({ ask });
      assert.deepEqual(await Promise.all([sealed.get('a', keyId), sealed.get('a', keyId)]), [key, key]);
      const next = await sealed.successor('a', keyId);
      assert.deepEqual(await sealed.get('a', fingerprintOf(next, 'a')), next);
      assert.deepEqual(asked, ['present']);
      assert.ok(new KeyFile(path, neverAsked).isProtected(), 'it is sealed again after a change');
      sealed.forget();
      assert.deepEqual(await sealed.get('a', keyId), key);
      assert.deepEqual(asked, ['present', 'present']);
    });

    it('does not open under another one, and says so', async () => {
      const key = await store.create('a');
      await new KeyFile(path, neverAsked).protect(Buffer.from('a passphrase'));
      const sealed = open({ ask });
      const before = readFileSync(path);
      passphrase = 'another one';
      await refusal('passphraseWrong', () => sealed.get('a', fingerprintOf(key, 'a')));
      await refusal('passphraseWrong', () => sealed.successor('a', fingerprintOf(key, 'a')));
      await refusal('passphraseWrong', () => new KeyFile(path, ask).protect(undefined));
      assert.deepEqual(readFileSync(path), before);
      passphrase = 'a passphrase';
      assert.deepEqual(await sealed.get('a', fingerprintOf(key, 'a')), key, 'the wrong one is not remembered');
    });

    it('needs somebody to ask', async () => {
      const key = await store.create('a');
      await new KeyFile(path, neverAsked).protect(Buffer.from('a passphrase'));
      await refusal('passphraseNeeded', () => open().get('a', fingerprintOf(key, 'a')));
      await refusal('passphraseNeeded', () => open().create('b'));
    });

    it('gets another one, and none', async () => {
      const key = await store.create('a');
      const keyId = fingerprintOf(key, 'a');
      const file = new KeyFile(path, ask);
      await file.protect(Buffer.from('a passphrase'));
      await file.protect(Buffer.from('the second'));
      assert.deepEqual(asked, [], 'who has set it is not asked for it');
      passphrase = 'the second';
      assert.deepEqual(await open({ ask }).get('a', keyId), key);
      await file.protect(undefined);
      assert.equal(readFileSync(path, 'utf8'), `${key.toString('base64')}\n`);
      assert.deepEqual(await open().get('a', keyId), key);
      rmSync(path);
      await refusal('keyLost', () => file.protect(Buffer.from('x')));
    });

    it('is made so where a key must never lie open', async () => {
      const file = new KeyFile(path, ask, true);
      const sealed = new FileKeyStore({ file, folder: home, neededKeys: () => [], vaultsInUse: () => [] });
      const key = await sealed.create('a');
      assert.deepEqual(asked, ['new']);
      assert.ok(file.isProtected());
      assert.deepEqual(await sealed.get('a', fingerprintOf(key, 'a')), key);
      writeFileSync(path, `${key.toString('base64')}\n`);
      await refusal('keyInvalid', () => sealed.get('a', fingerprintOf(key, 'a')));
    });
  });
});

function neverAsked(): Promise<Buffer> {
  return Promise.reject(new SecretsError('passphraseNeeded', {}));
}
