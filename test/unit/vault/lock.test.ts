import assert from 'node:assert/strict';
import { SecretsError } from '../../../src/shared/errors';
import type { VaultState } from '../../../src/vault/vault';
import { outcomeOf, refusal } from '../support/errors';
import { bench, storedText, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

async function states(b: Bench): Promise<VaultState[]> {
  return Promise.all([b.vault.state(), b.another().state()]);
}

describe('locking a vault', () => {
  for (const kind of ['locked', 'panic'] as const) {
    it(`(${kind}) lasts in all windows until one of them unlocks it`, async () => {
      const b = await bench({ K: 'value' });
      const other = b.another();
      assert.equal(await valueOf(other, 'K'), 'value');
      await b.vault.lock('user', kind);
      for (const vault of [b.vault, other, b.another()]) {
        assert.equal(vault.lockState(), kind);
        assert.equal(await vault.state(), 'locked');
        await refusal('locked', () => vault.open(['K']));
        await refusal('locked', () => vault.set('K', Buffer.from('v'), 'user'));
      }
      await other.unlock('cli');
      for (const vault of [b.vault, other, b.another()]) assert.equal(await valueOf(vault, 'K'), 'value');
      assert.deepEqual(
        b.audit.entries.slice(1).map(({ actor, action }) => [actor, action]),
        [
          ['user', kind === 'panic' ? 'vault.panic' : 'vault.lock'],
          ['cli', 'vault.unlock'],
        ],
      );
    });
  }

  it('holds from the moment it is called, before anything is written', async () => {
    const b = await bench({ K: 'value' });
    const locking = b.vault.lock('user', 'panic');
    assert.equal(b.vault.lockState(), 'panic');
    await refusal('locked', () => b.vault.open(['K']));
    await locking;
  });

  it('holds here even if it cannot be stored, and says so', async () => {
    const b = await bench({ K: 'value' });
    b.store.failing = true;
    await refusal('storeFailed', () => b.vault.lock('user'));
    assert.equal(b.vault.lockState(), 'locked');
    b.store.failing = false;
    assert.deepEqual(await states(b), ['locked', 'ready']);
    await refusal('locked', () => b.vault.open(['K']));
    assert.ok(b.keys.forgotten > 0);
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('of a vault that is there no longer, or was never there, can be ended', async () => {
    const b = await bench();
    await b.vault.lock('user');
    assert.equal(await b.vault.state(), 'locked');
    await refusal('locked', () => b.vault.set('K', Buffer.from('v'), 'user'));
    await b.vault.unlock('user');
    await b.vault.set('K', Buffer.from('v'), 'user');
    assert.equal(await valueOf(b.vault, 'K'), 'v');
  });

  it('in this window only leaves the others as they are', async () => {
    const b = await bench({ K: 'value' });
    b.vault.close();
    assert.deepEqual(await states(b), ['locked', 'ready']);
    await b.vault.unlock('user');
    assert.deepEqual(await states(b), ['ready', 'ready']);
  });

  it('drops the key: what is gone meanwhile is noticed when it is unlocked', async () => {
    const b = await bench({ K: 'value' });
    await b.vault.lock('user');
    assert.ok(b.keys.forgotten > 0);
    const kept = new Map(b.keys.keys);
    b.keys.keys.clear();
    await refusal('keyLost', () => b.vault.unlock('user'));
    await refusal('locked', () => b.vault.open(['K']));
    for (const [id, key] of kept) b.keys.keys.set(id, key);
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  it('needs no passphrase while the key is at hand', async () => {
    const b = await bench({ K: 'value' });
    const get = b.keys.get.bind(b.keys);
    let asked = false;
    // As with a key that a passphrase protects: forgotten is forgotten.
    b.keys.forget = () => (asked = true);
    b.keys.get = (vaultId, keyId) => (asked ? Promise.reject(new SecretsError('passphraseNeeded', {})) : get(vaultId, keyId));
    await b.vault.lock('user');
    assert.ok(asked);
    assert.equal(b.another().lockState(), 'locked');
    await refusal('passphraseNeeded', () => b.vault.unlock('user'));
    asked = false;
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.vault, 'K'), 'value');
  });

  for (const kind of ['locked', 'panic'] as const) {
    it(`(${kind}) by a window without the passphrase holds in those that have the key, until one of them ends it`, async () => {
      const b = await bench({ K: 'value' });
      assert.equal(await valueOf(b.vault, 'K'), 'value');
      const get = b.keys.get.bind(b.keys);
      b.keys.get = () => Promise.reject(new SecretsError('passphraseNeeded', {}));
      const without = b.another();
      await without.lock('user', kind);
      for (const vault of [without, b.vault, b.another()]) {
        assert.equal(vault.lockState(), kind);
        await refusal('locked', () => vault.open(['K']));
        await refusal('locked', () => vault.set('K', Buffer.from('late'), 'user'));
      }
      await refusal('passphraseNeeded', () => without.unlock('user'));
      assert.equal(b.vault.lockState(), kind, 'a lock that nobody ended is gone');
      b.keys.get = get;
      await b.vault.unlock('user');
      for (const vault of [without, b.vault, b.another()]) assert.equal(await valueOf(vault, 'K'), 'value');
      assert.ok(!storedText(b).includes('asked'));
    });
  }

  it('that was asked for lasts through a recovery, and a panic is not made milder', async () => {
    const b = await bench({ K: 'value' });
    const get = b.keys.get.bind(b.keys);
    b.keys.get = () => Promise.reject(new SecretsError('passphraseNeeded', {}));
    for (const kind of ['panic', 'locked'] as const) await b.another().lock('user', kind);
    assert.equal(b.another().lockState(), 'panic');
    b.keys.get = get;
    await b.another().recover('user');
    assert.equal(b.another().lockState(), 'panic');
    b.keys.get = () => Promise.reject(new SecretsError('passphraseNeeded', {}));
    await b.another().lock('user', 'locked');
    assert.equal(b.another().lockState(), 'panic');
  });

  it('of a vault whose key is lost holds, too', async () => {
    const b = await bench({ K: 'value' });
    b.keys.keys.clear();
    const vault = b.another();
    await vault.lock('user');
    assert.equal(await vault.state(), 'locked');
  });

  it('comes before a change that is waiting for its turn', async () => {
    const b = await bench({ K: 'value' });
    const other = b.another();
    await other.open(['K']);
    const [, setting] = await Promise.all([b.vault.lock('user', 'panic'), outcomeOf(() => other.set('K', Buffer.from('late'), 'user'))]);
    assert.ok(setting instanceof SecretsError && setting.kind === 'locked');
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.another(), 'K'), 'value');
  });

  it('comes before a value that is being opened', async () => {
    const b = await bench({ K: 'value' });
    const vault = b.another();
    const get = b.keys.get.bind(b.keys);
    b.keys.get = async (vaultId, keyId) => {
      const key = await get(vaultId, keyId);
      if (b.vault.lockState() === 'open') b.vault.close('panic');
      vault.close('panic');
      return key;
    };
    await refusal('locked', () => vault.open(['K']));
  });

  it('ends a rotation, which goes on when it is unlocked', async () => {
    const b = await bench({ K: 'value' });
    const other = b.another();
    let locking: Promise<void> | undefined;
    const outcome = await outcomeOf(() =>
      b.vault.rotateKey('user', () => {
        locking ??= other.lock('user', 'panic');
      }),
    );
    assert.ok(outcome instanceof SecretsError && outcome.kind === 'locked');
    await locking;
    assert.equal(await b.another().resume('user'), false);
    await b.vault.unlock('user');
    assert.equal(await b.vault.resume('user'), true);
    assert.equal(b.keys.keys.size, 1);
    assert.equal(await valueOf(b.another(), 'K'), 'value');
  });

  it('leaves the audit key at hand, also in a window that is opened while locked', async () => {
    const b = await bench({ K: 'value' });
    const before = await b.vault.auditKeys().current();
    assert.ok(before);
    await b.vault.lock('user');
    for (const vault of [b.vault, b.another()]) {
      const key = await vault.auditKeys().current();
      assert.equal(key?.id, before.id);
      assert.ok(key.key.equals(before.key));
      assert.ok((await vault.auditKeys().byId(before.id))?.key.equals(before.key));
      await refusal('locked', () => vault.open(['K']));
    }
  });

  it('keeps no other key when the audit trail asks for an earlier one', async () => {
    const b = await bench({ K: 'value' });
    const old = await b.vault.auditKeys().current();
    assert.ok(old);
    await b.vault.rotateKey('user');
    await b.vault.lock('user');
    const vault = b.another();
    assert.ok((await vault.auditKeys().byId(old.id))?.key.equals(old.key));
    b.keys.keys.clear();
    await refusal('keyLost', () => vault.unlock('user'));
  });

  it('tells those who listen, and unlocking does, too', async () => {
    const b = await bench({ K: 'value' });
    const told: string[] = [];
    b.vault.onDidChange(() => void told.push(b.vault.lockState()));
    await b.vault.lock('user');
    assert.equal(told.at(-1), 'locked');
    await b.vault.unlock('user');
    assert.equal(told.at(-1), 'open');
  });
});
