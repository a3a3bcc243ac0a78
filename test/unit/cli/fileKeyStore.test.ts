import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileKeyStore } from '../../../src/cli/fileKeyStore';
import type { KeyStore } from '../../../src/vault/ports';
import { refusal } from '../support/errors';
import { temporaryFolder } from '../support/folders';

describe('the key file', () => {
  const folder = temporaryFolder();
  let count = 0;
  let home = '';
  let path = '';
  let keys: KeyStore = new FileKeyStore('', '');
  beforeEach(() => {
    count += 1;
    home = join(folder(), `home ${String(count)}`);
    path = join(home, 'key');
    keys = new FileKeyStore(path, join(home, 'workspaces'));
  });
  const vault = (): void => {
    mkdirSync(join(home, 'workspaces', 'w1'), { recursive: true });
    writeFileSync(join(home, 'workspaces', 'w1', 'vault.json'), '{}');
  };

  it('that is not there holds no key, and asking makes nothing', async () => {
    assert.equal(await keys.get('v'), undefined);
    assert.ok(!existsSync(home));
  });

  it("keeps a key, for this user's eyes only", async () => {
    const key = randomBytes(32);
    await keys.set('v', Buffer.from(key));
    assert.deepEqual(await keys.get('v'), key);
    assert.deepEqual(await keys.get('another vault'), key);
    assert.equal(readFileSync(path, 'utf8'), `${key.toString('base64')}\n`);
    if (process.platform === 'win32') return;
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(home).mode & 0o777, 0o700);
  });

  it('is never written over', async () => {
    const key = randomBytes(32);
    await keys.set('v', Buffer.from(key));
    await refusal('storeFailed', () => keys.set('v', randomBytes(32)));
    assert.deepEqual(await keys.get('v'), key);
    for (const there of ['', 'garbage']) {
      rmSync(path);
      writeFileSync(path, there, { mode: 0o600 });
      await refusal('storeFailed', () => keys.set('v', randomBytes(32)));
      assert.equal(readFileSync(path, 'utf8'), there);
    }
  });

  it('is not made anew while there are vaults that need the lost one', async () => {
    vault();
    await refusal('keyLost', () => keys.set('v', randomBytes(32)));
    assert.ok(!existsSync(path));
  });

  it('is not used while others may read it', async function () {
    if (process.platform === 'win32') this.skip();
    await keys.set('v', randomBytes(32));
    for (const mode of [0o640, 0o604, 0o644, 0o620, 0o666]) {
      chmodSync(path, mode);
      assert.match((await refusal('keyInvalid', () => keys.get('v'))).message, /others may read it; run "chmod 600/);
    }
    chmodSync(path, 0o400);
    assert.ok(await keys.get('v'));
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
  ]) {
    it(`is not used when it does not hold a key: ${JSON.stringify(text.slice(0, 8))} (${String(text.length)})`, async () => {
      mkdirSync(home);
      writeFileSync(path, text, { mode: 0o600 });
      const error = await refusal('keyInvalid', () => keys.get('v'));
      assert.ok(text.trim() === '' || !error.message.includes(text.trim()) || text === 'x');
      assert.equal(readFileSync(path, 'utf8'), text);
    });
  }

  it('that cannot be read is no reason to make another one', async () => {
    mkdirSync(path, { recursive: true });
    await refusal('keyInvalid', () => keys.get('v'));
    await refusal('storeFailed', () => keys.set('v', randomBytes(32)));
  });
});
