import assert from 'node:assert/strict';
import { parseHead } from '../../../src/vault/head';
import { formatPart, parsePart } from '../../../src/vault/part';
import { refusal } from '../support/errors';
import { bench, partNames, secretsOf, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

const VALUES = { A: 'the value of A', B: 'the value of B' };

const newHead = (b: Bench, change: object): string => JSON.stringify({ ...parseHead(b.store.head ?? ''), ...change });

describe('the recovery of a vault', () => {
  it('that is sound keeps everything: values, versions, dates', async () => {
    const b = await bench(VALUES);
    await b.vault.set('A', Buffer.from('newer'), 'user', 'workspace', { expiresAt: 2e12, rotateEveryMs: 1000 });
    const before = [b.vault.list(), b.vault.versions('A')];
    assert.deepEqual(await b.vault.recover('cli'), { kept: 2, unreadable: [], missing: 0, previous: false });
    assert.deepEqual([b.vault.list(), b.vault.versions('A')], before);
    assert.equal(await valueOf(b.another(), 'A'), 'newer');
    await b.vault.rollback('A', 'user');
    assert.equal(await valueOf(b.another(), 'A'), VALUES.A);
    assert.equal(b.audit.entries.filter(({ action }) => action === 'vault.recover').length, 1);
  });

  it('takes the state before if the current one cannot be read, or belongs to no key that is there', async () => {
    for (const harm of [
      () => '',
      () => 'not json',
      (b: Bench) => (b.store.head ?? '').slice(0, -5),
      (b: Bench) => newHead(b, { format: 3 }),
      (b: Bench) => newHead(b, { vaultId: '0'.repeat(32) }),
      (b: Bench) => newHead(b, { shards: [{ part: 'nothing', keyId: '0'.repeat(32), count: 1, mac: 'AAAA' }] }),
    ]) {
      const b = await bench(VALUES);
      await b.vault.set('A', Buffer.from('last change'), 'user');
      b.store.head = harm(b);
      const vault = b.another();
      assert.deepEqual(await vault.recover('user'), { kept: 2, unreadable: [], missing: 0, previous: true });
      for (const [name, value] of Object.entries(VALUES)) assert.equal(await valueOf(b.another(), name), value);
      await vault.set('A', Buffer.from('newer'), 'user');
      assert.equal(await valueOf(b.another(), 'A'), 'newer');
    }
  });

  it('leaves everything as it is if nothing can be read', async () => {
    const b = await bench({ A: 'value' });
    b.store.head = 'not json';
    assert.equal(b.store.previous(), undefined);
    await refusal('vaultUnrecoverable', () => b.another().recover('user'));
    assert.equal(b.store.head, 'not json');
    await refusal('vaultUnrecoverable', async () => (await bench()).vault.recover('user'));
  });

  it('keeps what does not prove itself, and names it', async () => {
    const b = await bench(VALUES);
    tamper(b, (secrets) => withSealed(secrets, 'A', (sealed) => sealed.fill(1)));
    const before = secretsOf(b);
    const vault = b.another();
    const result = { kept: 1, unreadable: [{ scope: 'workspace', name: 'A' }], missing: 0, previous: false };
    assert.deepEqual(await vault.recover('user'), result);
    assert.deepEqual(secretsOf(b), before);
    await refusal('secretUnreadable', () => vault.open(['A']));
    assert.equal(await valueOf(vault, 'B'), VALUES.B);
  });

  it('keeps a line that cannot be read as it is', async () => {
    const b = await bench(VALUES);
    const [name = ''] = partNames(b.store);
    const text = (b.store.parts.get(name) ?? '').replace('{"scope":"workspace","name":"A"', '{"scope"?"workspace","name":"A"');
    b.store.parts.set(name, text);
    const line = text.split('\n').find((each) => each.includes('?')) ?? '';
    const vault = b.another();
    assert.equal((await vault.recover('user')).unreadable.length, 1);
    await vault.set('B', Buffer.from('more'), 'user');
    assert.ok([...b.store.parts.values()].every((part) => part.includes(line)));
    assert.deepEqual(vault.versions('A'), []);
    assert.equal(vault.sealOf('A'), undefined);
    await refusal('nothingToRollBack', () => vault.rollback('A', 'user'));
    assert.equal((await vault.set('A', Buffer.from('again'), 'user')).version, 1);
    assert.equal(await valueOf(b.another(), 'A'), 'again');
  });

  it('does not end a lock', async () => {
    const b = await bench(VALUES);
    await b.vault.lock('user', 'panic');
    await b.another().recover('user');
    assert.equal(b.another().lockState(), 'panic');
    await refusal('locked', () => b.another().open(['A']));
    await b.vault.unlock('user');
    assert.equal(await valueOf(b.another(), 'A'), VALUES.A);
  });

  it('of a vault that is damaged while its key is being replaced ends with all under one key', async () => {
    const names = Array.from({ length: 600 }, (_, i) => `K${String(i)}`);
    const b = await bench(Object.fromEntries(names.map((name) => [name, `the value of ${name}`])));
    let steps = 0;
    await assert.rejects(() =>
      b.vault.rotateKey('user', () => {
        if (++steps > 1) throw new Error('enough');
      }),
    );
    const head = parseHead(b.store.head ?? '');
    assert.ok(head);
    assert.ok(head.shards.some(({ keyId }) => keyId === head.nextKeyId) && head.shards.some(({ keyId }) => keyId === head.keyId));
    const last = head.shards.at(-1)?.part ?? '';
    b.store.parts.set(last, formatPart(parsePart(b.store.parts.get(last) ?? '').secrets.slice(1)));
    await refusal('vaultAltered', () => b.another().rotateKey('user'));

    const vault = b.another();
    const { kept, unreadable, missing } = await vault.recover('user');
    assert.deepEqual([kept, unreadable.length, missing], [599, 0, 1]);
    const left = vault.list().map(({ name }) => name);
    assert.equal(left.length, 599);
    for (const name of left) assert.equal(await valueOf(vault, name), `the value of ${name}`);
    assert.equal(vault.isRotating, false);
    await vault.rotateKey('user');
    assert.equal(b.keys.keys.size, 1);
    assert.equal(await valueOf(b.another(), left[0] ?? ''), `the value of ${left[0] ?? ''}`);
  });

  it('keeps the audit keys of earlier root keys', async () => {
    const b = await bench(VALUES);
    const old = await b.vault.auditKeys().current();
    assert.ok(old);
    await b.vault.rotateKey('user');
    await b.vault.recover('user');
    assert.ok((await b.another().auditKeys().byId(old.id))?.key.equals(old.key));
  });
});
