import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { SecretsError } from '../../../src/shared/errors';
import { parseHead } from '../../../src/vault/head';
import { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** Nothing can be opened or changed, and nothing was. */
async function assertClosed(b: Bench, kind: 'locked' | 'keyLost' | 'untrusted' | 'noFolder', vault = b.vault): Promise<void> {
  const { head } = b.store;
  const keys = b.keys.made.length;
  assert.equal(await vault.state(), kind);
  const acts: readonly (() => Promise<unknown>)[] = [
    () => vault.open(['K']),
    () => vault.set('K', Buffer.from('new'), 'user'),
    () => vault.set('NEW', Buffer.from('new'), 'user'),
    () => vault.delete('K', 'user'),
    () => vault.rollback('K', 'user'),
    () => vault.destroyVersions('K', 'user'),
    () => vault.schedule('K', 'user', 'workspace', { expiresAt: 1 }),
    () => vault.deleteScope('workspace', 'user'),
    () => vault.snapshot(),
    () => vault.check(),
    () => vault.rotateKey('user'),
  ];
  for (const act of acts) await refusal(kind, act);
  assert.deepEqual(await vault.quarantined(), []);
  assert.equal(b.store.head, head);
  assert.equal(b.keys.made.length, keys);
}

describe('the states of a vault', () => {
  it('locked: lists, and opens nothing until it is unlocked', async () => {
    const b = await bench({ K: 'value' });
    await b.vault.lock('user');
    await assertClosed(b, 'locked');
    assert.equal(b.vault.list().length, 1);
    assert.equal(b.vault.infoOf('K')?.version, 1);
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('untrusted: lists, and opens nothing', async () => {
    const b = await bench({ K: 'value' });
    b.barrier = 'untrusted';
    await assertClosed(b, 'untrusted');
    assert.equal(b.vault.list().length, 1);
    b.barrier = undefined;
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('untrusted: makes no vault, and lets nobody recover, unlock, start anew or destroy', async () => {
    const b = await bench();
    b.barrier = 'untrusted';
    await refusal('untrusted', () => b.vault.set('K', Buffer.from('v'), 'user'));
    await refusal('untrusted', () => b.vault.recover('user'));
    await refusal('untrusted', () => b.vault.unlock('user'));
    await refusal('untrusted', () => b.vault.startFresh('user'));
    await refusal('untrusted', () => b.vault.destroyAll('user'));
    assert.equal(b.store.head, undefined);
    assert.equal(b.keys.made.length, 0);
  });

  it('noFolder: does not even list', async () => {
    const b = await bench({ K: 'value' });
    b.barrier = 'noFolder';
    await assertClosed(b, 'noFolder');
    await refusal('noFolder', () => b.vault.list());
  });

  it('keyLost: lists, opens nothing, and never makes a new key over what is there', async () => {
    const b = await bench({ K: 'value' });
    const kept = new Map(b.keys.keys);
    b.keys.keys.clear();
    await assertClosed(b, 'keyLost', b.another());
    assert.equal(b.another().list().length, 1);
    await refusal('keyLost', () => b.another().recover('user'));
    for (const [id, key] of kept) b.keys.keys.set(id, key);
    assert.equal(await valueOf(b.another(), 'K'), 'value');
  });

  it('keyLost: the key of another vault is no key', async () => {
    const b = await bench({ K: 'value' });
    for (const id of b.keys.keys.keys()) b.keys.keys.set(id, randomBytes(32));
    await assertClosed(b, 'keyLost', b.another());
  });

  it('keyLost: noticed after refresh although the vault was just being opened', async () => {
    const b = await bench({ K: 'value' });
    const vault = b.another();
    const opening = vault.open(['K']);
    vault.refresh();
    b.keys.keys.clear();
    assert.equal((await opening)[0]?.value.toString(), 'value');
    assert.equal(await vault.state(), 'keyLost');
  });

  it('keyLost: noticed after refresh in a window that has the key in memory', async () => {
    const b = await bench({ K: 'value' });
    b.keys.keys.clear();
    b.vault.refresh();
    await assertClosed(b, 'keyLost');
  });

  it('a key that is not kept seals nothing', async () => {
    for (const setting of ['fail', 'lose'] as const) {
      const b = await bench();
      b.keys.setting = setting;
      const value = Buffer.from('v');
      await refusal('storeFailed', () => b.vault.set('K', value, 'user'));
      assert.equal(b.store.head, undefined);
      assert.ok(value.every((byte) => byte === 0));
      b.keys.setting = 'keep';
      await b.vault.set('K', Buffer.from('v'), 'user');
      assert.equal(await valueOf(b.another(), 'K'), 'v');
    }
  });

  it('a new key that is not kept takes the place of no other', async () => {
    for (const setting of ['fail', 'lose'] as const) {
      const b = await bench({ K: 'value' });
      const { head } = b.store;
      b.keys.setting = setting;
      await refusal('storeFailed', () => b.vault.rotateKey('user'));
      assert.equal(b.store.head, head);
      assert.equal(await valueOf(b.another(), 'K'), 'value');
    }
  });
});

describe('starting fresh', () => {
  it('moves a vault whose key is lost aside and begins a new one', async () => {
    const b = await bench({ K: 'old' });
    const { head } = b.store;
    b.keys.keys.clear();
    const vault = b.another();
    assert.equal(await vault.startFresh('user'), 'memory.archived');
    assert.deepEqual(b.store.archived, [head]);
    assert.deepEqual(vault.list(), []);
    await vault.set('K', Buffer.from('new'), 'user');
    assert.equal(await valueOf(b.another(), 'K'), 'new');
    assert.equal(vault.infoOf('K')?.version, 1);
    assert.equal(b.keys.made.length, 2);
    assert.deepEqual(
      b.audit.entries.map(({ action }) => action),
      ['secret.set', 'vault.fresh', 'secret.set'],
    );
  });

  it('refuses a vault that opens, locked or not, and one that nothing was ever in', async () => {
    const b = await bench({ K: 'value' });
    const head = (): string | undefined => b.store.head;
    const before = head();
    assert.match((await refusal('vaultIsFine', () => b.another().startFresh('user'))).message, /"mcp-secrets vault destroy"\.$/);
    assert.equal(head(), before);
    await b.vault.lock('user');
    await refusal('vaultIsFine', () => b.another().startFresh('user'));
    await refusal('vaultIsFine', async () => (await bench()).vault.startFresh('user'));
    assert.deepEqual(b.store.archived, []);
  });

  it('takes a locked vault whose key is lost: it cannot be unlocked', async () => {
    const b = await bench({ K: 'value' });
    await b.vault.lock('user');
    b.keys.keys.clear();
    await refusal('keyLost', () => b.another().unlock('user'));
    assert.equal(await b.another().startFresh('user'), 'memory.archived');
  });

  it('takes a vault that is damaged, also where only a part is', async () => {
    const b = await bench({ K: 'value' });
    b.store.parts.clear();
    assert.equal(await b.another().isFine(), false);
    b.store.head = 'damaged';
    assert.equal(await b.another().startFresh('user'), 'memory.archived');
  });

  it('refuses where it cannot be told: the key is there and cannot be used now, or the vault is one of a later version', async () => {
    const b = await bench({ K: 'value' });
    for (const kind of ['passphraseNeeded', 'passphraseWrong'] as const) {
      b.keys.get = () => Promise.reject(new SecretsError(kind, {}));
      await refusal(kind, () => b.another().startFresh('user'));
    }
    b.store.head = b.store.head?.replace('"format":2', '"format":3');
    await refusal('vaultNewer', () => b.another().startFresh('user'));
    assert.deepEqual(b.store.archived, []);
  });
});

describe('the vault of the scope user', () => {
  it('says so in what is wrong with it, so that the advice is for it', async () => {
    const b = await bench();
    const user = (): Vault => new Vault({ store: b.store, keys: b.keys, clock: b.clock, audit: b.audit, scope: 'user' });
    await user().set('K', Buffer.from('value'), 'user', 'user');
    assert.match((await refusal('vaultIsFine', () => user().startFresh('user'))).message, /"mcp-secrets scope delete user"/);
    const { head = '' } = b.store;
    const parts = new Map(b.store.parts);
    const open = (): Promise<unknown> => user().open(['K'], 'user');
    b.store.head = head.replace(/"generation":\d+/, '"generation":7');
    assert.match(
      (await refusal('vaultAltered', open)).message,
      /of the scope "user" was changed.*"mcp-secrets vault recover --scope user"/,
    );
    b.store.head = 'damaged';
    assert.match(
      (await refusal('vaultDamaged', open)).message,
      /of the scope "user" cannot be read.*"mcp-secrets vault recover --scope user"/,
    );
    await refusal('vaultDamaged', () => Promise.resolve(user().list()));
    b.store.head = head;
    b.store.parts.clear();
    assert.equal((await refusal('vaultDamaged', open)).details.scope, 'user');
    for (const [name, text] of parts) b.store.parts.set(name, text);
    b.keys.generations.set(parseHead(head)?.vaultId ?? '', 9);
    assert.match((await refusal('vaultOlder', open)).message, /of the scope "user" is an older.*"mcp-secrets vault recover --scope user"/);
    b.keys.keys.clear();
    for (const act of [open, () => user().recover('user')])
      assert.match((await refusal('keyLost', act)).message, /of the scope "user" is gone.*"mcp-secrets vault fresh --scope user --yes"/);
    assert.equal(await user().startFresh('user'), 'memory.archived');
  });
});

describe('destroying all secrets', () => {
  it('leaves neither a secret nor a key nor a copy, and lets a new vault begin', async () => {
    const b = await bench({ K: 'value', L: 'value' });
    await b.vault.destroyAll('user');
    assert.equal(b.store.head, undefined);
    assert.equal(b.store.previous(), undefined);
    assert.equal(b.store.parts.size, 0);
    assert.equal(b.keys.keys.size, 0);
    assert.deepEqual(b.vault.list(), []);
    await refusal('secretMissing', () => b.vault.open(['K']));
    await b.vault.set('K', Buffer.from('new'), 'user');
    assert.equal(await valueOf(b.another(), 'K'), 'new');
  });

  it('leaves no key of a vault that was moved aside, nor of one that is damaged', async () => {
    const b = await bench({ K: 'value' });
    b.store.parts.clear();
    await b.another().startFresh('user');
    for (const name of ['K', 'L']) await b.another().set(name, Buffer.from('new'), 'user');
    b.store.head = 'not json';
    assert.equal(b.keys.keys.size, 2);
    await b.another().destroyAll('user');
    assert.deepEqual([b.keys.keys.size, b.store.archived.length], [0, 0]);
  });

  it('leaves no key of the others where that of one cannot be destroyed, and says so', async () => {
    const b = await bench({ K: 'value' });
    b.store.parts.clear();
    await b.another().startFresh('user');
    await b.another().set('K', Buffer.from('new'), 'user');
    const { head = '' } = b.store;
    const stuck = parseHead(head)?.vaultId ?? '';
    const retire = b.keys.retire.bind(b.keys);
    const tries: string[] = [];
    b.keys.retire = (vaultId, keyId) => {
      tries.push(vaultId);
      const reason = `try ${String(tries.length)}`;
      return vaultId === stuck ? Promise.reject(new SecretsError('storeFailed', { path: 'keys', reason })) : retire(vaultId, keyId);
    };
    await refusal('storeFailed', () => b.another().destroyAll('user'));
    assert.deepEqual([b.store.head, b.store.archived.length], [undefined, 0]);
    assert.deepEqual(
      [...b.keys.keys.keys()].map((name) => name.startsWith(`${stuck}/`)),
      [true],
    );
    // Those who share a key file are asked again when the documents are gone.
    assert.equal(tries.length, 4);
  });

  it('works when the vault is locked, damaged or without its key', async () => {
    for (const harm of [
      (b: Bench) => b.vault.lock('user'),
      (b: Bench) => Promise.resolve((b.store.head = 'not json')),
      (b: Bench) => {
        b.keys.keys.clear();
        return Promise.resolve('');
      },
    ]) {
      const b = await bench({ K: 'value' });
      await harm(b);
      await b.another().destroyAll('user');
      assert.equal(b.store.head, undefined);
      assert.equal(b.store.parts.size, 0);
    }
  });

  it('that was cut short can be done again: nothing is left then', async () => {
    for (let left = 0; left < 2; left++) {
      const b = await bench({ K: 'value' });
      b.fuse.left = left;
      await assert.rejects(() => b.vault.destroyAll('user'));
      b.fuse.left = Infinity;
      await b.another().destroyAll('user');
      assert.equal(b.store.head, undefined);
      assert.equal(b.keys.keys.size, 0);
    }
  });
});
