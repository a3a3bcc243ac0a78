import assert from 'node:assert/strict';
import { parseHead } from '../../../src/vault/head';
import type { Vault } from '../../../src/vault/vault';
import { refusal } from '../support/errors';
import { bench, secretsOf, storedText, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

const keyIdOf = ({ store }: Bench): string => parseHead(store.head ?? '')?.keyId ?? '';

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`K${String(i)}`, `the value ${String(i)}`]));

async function allOf(vault: Vault): Promise<unknown> {
  const secrets = await vault.snapshot();
  const text = secrets.map((secret) => ({ ...secret, versions: secret.versions.map((v) => ({ ...v, value: v.value.toString() })) }));
  return text.sort((a, b) => (`${a.scope}/${a.name}` < `${b.scope}/${b.name}` ? -1 : 1));
}

describe('replacing the key of a vault', () => {
  it('keeps values, versions and dates, leaves one key, and seals everything anew', async () => {
    const b = await bench({ A: 'one', B: 'b' });
    b.clock.time += 1000;
    await b.vault.set('A', Buffer.from('two'), 'user', 'workspace', { expiresAt: 2e12, rotateEveryMs: 5000 });
    await b.vault.set('A', Buffer.from('elsewhere'), 'user', 'other');
    const before = await allOf(b.vault);
    const sealed = secretsOf(b).flatMap(({ versions }) => versions.map((v) => v.sealed));
    const oldId = keyIdOf(b);
    assert.equal(await b.vault.rotateKey('cli'), true);
    assert.notEqual(keyIdOf(b), oldId);
    assert.equal(b.keys.keys.size, 1);
    assert.ok([...b.keys.keys.keys()].every((name) => name.endsWith(keyIdOf(b))));
    assert.equal(b.vault.isRotating, false);
    for (const vault of [b.vault, b.another()]) assert.deepEqual(await allOf(vault), before);
    const current = secretsOf(b).flatMap(({ versions }) => versions.map((v) => v.sealed));
    assert.ok(current.every((text) => !sealed.includes(text)));
    // Nor is there a copy that the old key, should somebody have kept it, opens.
    assert.ok(sealed.every((text) => !storedText(b).includes(text)));
    assert.deepEqual(b.audit.entries.at(-1), { actor: 'cli', action: 'key.rotate', outcome: 'ok' });
  });

  it('does nothing where there is no vault', async () => {
    const b = await bench();
    assert.equal(await b.vault.rotateKey('user'), false);
    assert.equal(await b.vault.resume('user'), false);
    assert.equal(b.keys.made.length, 0);
    assert.equal(b.store.head, undefined);
  });

  it('goes on when the key store announces the new key in the middle', async () => {
    const b = await bench({ A: 'a' });
    const get = b.keys.get.bind(b.keys);
    // As VS Code's secret storage does: whoever hears of it forgets the keys in memory.
    b.keys.get = async (vaultId, keyId) => {
      const key = await get(vaultId, keyId);
      b.vault.refresh();
      return key;
    };
    assert.equal(await b.vault.rotateKey('user'), true);
    assert.equal(b.vault.isRotating, false);
    assert.equal(await valueOf(b.vault, 'A'), 'a');
  });

  it('works on an empty vault', async () => {
    const b = await bench({ A: 'a' });
    await b.vault.delete('A', 'user');
    assert.equal(await b.vault.rotateKey('user'), true);
    assert.equal(b.keys.keys.size, 1);
    await b.vault.set('A', Buffer.from('new'), 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'new');
  });

  it('says how far it is, ending with all', async () => {
    const b = await bench(many(600));
    const heard: (readonly [number, number])[] = [];
    await b.vault.rotateKey('user', (done, total) => heard.push([done, total]));
    assert.ok(heard.length >= 3);
    assert.deepEqual(heard[0], [0, 600]);
    assert.deepEqual(heard.at(-1), [600, 600]);
    for (const [i, [done]] of heard.entries()) assert.ok(i === 0 || done > (heard[i - 1]?.[0] ?? 0));
  }).timeout(60_000);

  it('lets others read, set, roll back and delete at each step, and loses nothing of it', async () => {
    const values = new Map(Object.entries(many(600)));
    const b = await bench(Object.fromEntries(values));
    const others = [b.another(), b.another()];
    const work: Promise<unknown>[] = [];
    let step = 0;
    await b.vault.rotateKey('user', () => {
      const i = step++;
      const other = others[i % 2];
      assert.ok(other);
      const [changed, added, gone, back] = [`K${String(i)}`, `NEW${String(i)}`, `K${String(100 + i)}`, `K${String(200 + i)}`];
      work.push(
        other.open([`K${String(300 + i)}`]),
        other.set(changed, Buffer.from(`changed ${String(i)}`), 'user'),
        other.set(added, Buffer.from(`added ${String(i)}`), 'user'),
        other.delete(gone, 'user'),
        other.set(back, Buffer.from('not for long'), 'user').then(() => other.rollback(back, 'user')),
      );
      values
        .set(changed, `changed ${String(i)}`)
        .set(added, `added ${String(i)}`)
        .delete(gone);
    });
    await Promise.all(work);
    assert.ok(step >= 3);
    for (const vault of [b.vault, b.another(), ...others]) {
      assert.equal(vault.list().length, values.size);
      for (const [name, value] of values) assert.equal(await valueOf(vault, name), value);
    }
    assert.equal(b.keys.keys.size, 1);
    assert.deepEqual(await b.another().check(), []);
  }).timeout(60_000);

  it('in two windows at once ends with one key', async () => {
    const b = await bench(many(300));
    const other = b.another();
    await Promise.all([b.vault.rotateKey('user'), other.rotateKey('user')]);
    assert.equal(b.keys.keys.size, 1);
    for (const vault of [b.vault, other, b.another()]) assert.equal(await valueOf(vault, 'K7'), 'the value 7');
  }).timeout(60_000);

  it('leaves a secret that does not open as it is, and its good versions', async () => {
    const b = await bench({ A: 'old', B: 'b' });
    await b.vault.set('A', Buffer.from('new'), 'user');
    tamper(b, (secrets) => withSealed(secrets, 'B', (sealed) => sealed.fill(1)));
    tamper(b, (secrets) =>
      secrets.map((s) => ({ ...s, versions: s.versions.map((v, i) => (s.name === 'A' && i === 0 ? { ...v, sealed: 'AAAA' } : v)) })),
    );
    const before = secretsOf(b);
    const vault = b.another();
    await vault.rotateKey('user');
    assert.deepEqual(
      secretsOf(b).find(({ name }) => name === 'B'),
      before.find(({ name }) => name === 'B'),
    );
    await refusal('secretUnreadable', () => vault.open(['B']));
    assert.equal(await valueOf(b.another(), 'A'), 'new');
    assert.deepEqual(await b.another().check(), [
      { scope: 'workspace', name: 'A', version: 1 },
      { scope: 'workspace', name: 'B' },
    ]);
  });

  it('keeps the audit keys of all keys that there were', async () => {
    const b = await bench({ A: 'a' });
    const known = [await b.vault.auditKeys().current()];
    for (let i = 0; i < 3; i++) {
      await b.vault.rotateKey('user');
      const { vault } = b;
      for (const auditKeys of [vault.auditKeys(), b.another().auditKeys()]) {
        const current = await auditKeys.current();
        assert.equal(current?.id, keyIdOf(b));
        for (const key of known) {
          assert.ok(key);
          const found = await auditKeys.byId(key.id);
          assert.equal(found?.id, key.id);
          assert.ok(found.key.equals(key.key));
          assert.ok(!current.key.equals(key.key));
        }
      }
      known.push(await vault.auditKeys().current());
    }
    assert.equal(await b.vault.auditKeys().byId('0'.repeat(32)), undefined);
  });

  it('spreads secrets that were added meanwhile over more parts afterwards', async () => {
    const b = await bench(many(120));
    const other = b.another();
    const work: Promise<unknown>[] = [];
    await b.vault.rotateKey('user', () => {
      if (work.length === 0) for (let i = 0; i < 20; i++) work.push(other.set(`NEW${String(i)}`, Buffer.from('new'), 'user'));
    });
    await Promise.all(work);
    await b.vault.set('LAST', Buffer.from('last'), 'user');
    assert.equal(parseHead(b.store.head ?? '')?.shards.length, 2);
    assert.equal(b.another().size, 141);
    assert.deepEqual(await b.another().check(), []);
  });
});
