import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { isSecretsError } from '../../../src/shared/errors';
import type { ErrorKind } from '../../../src/shared/words';
import type { Vault } from '../../../src/vault/vault';
import { outcomeOf, refusal } from '../support/errors';
import { bench, benchOf, flipped, partNames, putBack, storedOf, tamper, valueOf, withSealed } from '../support/vaults';
import type { Bench } from '../support/vaults';

interface Known {
  readonly scope: string;
  readonly name: string;
  /** The values of the versions, oldest first. */
  readonly values: readonly string[];
  readonly expiresAt?: number;
}

const SECRETS: readonly Known[] = [
  { scope: 'workspace', name: 'A', values: ['old A', 'new A'], expiresAt: 1_800_000_000_000 },
  { scope: 'workspace', name: 'B', values: ['only B'] },
  { scope: 'other', name: 'A', values: ['other A', 'another A'] },
];

async function filled(): Promise<Bench> {
  const b = await bench();
  for (const i of [0, 1])
    for (const { scope, name, values, expiresAt } of SECRETS) {
      const value = values[i];
      b.clock.time += 1;
      if (value !== undefined) await b.vault.set(name, Buffer.from(value), 'user', scope, expiresAt === undefined ? {} : { expiresAt });
    }
  return b;
}

const NOTICED: readonly ErrorKind[] = ['secretUnreadable', 'vaultAltered', 'vaultDamaged', 'vaultNewer', 'keyLost'];

/** Whether a secret opens. If it does, then it is as it was set; if it does not, then the reason is a fitting one. */
async function opens(vault: Vault, { scope, name, values, expiresAt }: Known, allowed = values.slice(-1)): Promise<boolean> {
  let opened: Awaited<ReturnType<Vault['open']>> = [];
  const error = await outcomeOf(async () => (opened = await vault.open([name], scope)));
  if (error !== undefined) {
    assert.ok(
      NOTICED.some((kind) => isSecretsError(error, kind)),
      inspect(error),
    );
    return false;
  }
  assert.ok(allowed.includes(opened[0]?.value.toString() ?? ''));
  assert.equal(opened[0]?.expiresAt, expiresAt);
  return true;
}

/** No version of any secret opens as something else than it is, and what does not open is named. */
async function assertNothingWrong(vault: Vault): Promise<void> {
  let seen: Awaited<ReturnType<Vault['snapshot']>> = [];
  const error = await outcomeOf(async () => (seen = await vault.snapshot()));
  if (error !== undefined) {
    assert.ok(
      NOTICED.some((kind) => isSecretsError(error, kind)),
      inspect(error),
    );
    return;
  }
  const damage = await vault.check();
  for (const { scope, name, values, expiresAt } of SECRETS) {
    const own = seen.find((secret) => secret.scope === scope && secret.name === name);
    const isDamaged = (version?: number): boolean => damage.some((d) => d.scope === scope && d.name === name && d.version === version);
    assert.equal(own === undefined, isDamaged());
    for (const [i, value] of own === undefined ? [] : values.entries()) {
      const version = own?.versions.find((v) => v.version === i + 1);
      assert.equal(version === undefined, isDamaged(i + 1));
      if (version !== undefined) assert.deepEqual([version.value.toString(), version.expiresAt], [value, expiresAt]);
    }
  }
}

describe('any single changed bit', () => {
  it('of a current record closes that secret and no other', async () => {
    const b = await filled();
    const before = storedOf(b);
    for (let bit = 0; bit < (12 + 16 + 'only B'.length) * 8; bit++) {
      putBack(b, before);
      tamper(b, (secrets) => withSealed(secrets, 'B', (sealed) => flipped(sealed, bit)));
      const { head } = b.store;
      const vault = b.another();
      await refusal('secretUnreadable', () => vault.open(['B']));
      for (const secret of SECRETS) assert.equal(await opens(vault, secret), secret.name !== 'B');
      assert.deepEqual(await vault.quarantined(), [{ scope: 'workspace', name: 'B' }]);
      assert.deepEqual(await vault.check(), [{ scope: 'workspace', name: 'B' }]);
      assert.equal(vault.list().length, SECRETS.length);
      assert.equal(b.store.head, head);
    }
  }).timeout(60_000);

  it('of an old record closes that version and no other', async () => {
    const b = await filled();
    const before = storedOf(b);
    for (let bit = 0; bit < (12 + 16 + 'old A'.length) * 8; bit++) {
      putBack(b, before);
      tamper(b, (secrets) =>
        secrets.map((secret) => {
          const [old, ...rest] = secret.versions;
          if (secret.name !== 'A' || secret.scope !== 'workspace' || old === undefined) return secret;
          const sealed = flipped(Buffer.from(old.sealed, 'base64'), bit).toString('base64');
          return { ...secret, versions: [{ ...old, sealed }, ...rest] };
        }),
      );
      const vault = b.another();
      for (const secret of SECRETS) assert.ok(await opens(vault, secret));
      assert.deepEqual(await vault.check(), [{ scope: 'workspace', name: 'A', version: 1 }]);
      assert.deepEqual(await vault.quarantined(), []);
      await assertNothingWrong(vault);
      await refusal('secretUnreadable', () => vault.rollback('A', 'user'));
    }
  }).timeout(60_000);

  it('of a part is noticed or does no harm, and costs what is on its line at most', async () => {
    const b = await filled();
    const before = storedOf(b);
    const [name = ''] = partNames(b.store);
    const text = Buffer.from(before.parts.get(name) ?? '');
    const lines = text.toString().split('\n');
    for (let bit = 0; bit < text.length * 8; bit++) {
      const changed = await benchOf(b, [before]);
      changed.store.parts.set(name, flipped(text, bit).toString());
      const { vault } = changed;
      for (const secret of SECRETS) await opens(vault, secret);
      await assertNothingWrong(vault);

      const { kept, unreadable, missing } = await vault.recover('user');
      assert.ok(kept + unreadable.length + missing >= SECRETS.length);
      const recovered = changed.another();
      // A line break belongs to the lines on both of its sides.
      const from = text.toString('utf8', 0, bit >> 3).split('\n').length - 1;
      const to = text[bit >> 3] === 10 ? from + 1 : from;
      for (const secret of SECRETS) {
        const line = lines.findIndex((l) => l.startsWith(`{"scope":"${secret.scope}","name":"${secret.name}"`));
        const open = await opens(recovered, secret).catch(() => false);
        if (line < from || line > to) assert.equal(open, true, `${secret.scope}/${secret.name}, bit ${String(bit)}`);
      }
      await assertNothingWrongAfterRecovery(recovered);
    }
  }).timeout(240_000);

  it('of the head is noticed, and at most the last change is lost', async () => {
    const b = await filled();
    const before = storedOf(b);
    await b.vault.set('B', Buffer.from('newer B'), 'user');
    const last = storedOf(b);
    const head = Buffer.from(last.head);
    for (let bit = 0; bit < head.length * 8; bit++) {
      const changed = await benchOf(b, [before, last]);
      changed.store.head = flipped(head, bit).toString();
      const { vault } = changed;
      for (const secret of SECRETS) assert.equal(await opens(vault, secret), false, `bit ${String(bit)}`);
      const { missing } = await vault.recover('user');
      assert.equal(missing, 0);
      const recovered = changed.another();
      for (const secret of SECRETS)
        assert.ok(await opens(recovered, secret, secret.name === 'B' ? ['only B', 'newer B'] : undefined), `bit ${String(bit)}`);
    }
  }).timeout(240_000);
});

/** A secret of which nothing is left may be missing then: the recovery has said so. */
async function assertNothingWrongAfterRecovery(vault: Vault): Promise<void> {
  for (const { scope, name, versions } of await vault.snapshot()) {
    const known = SECRETS.find((secret) => secret.scope === scope && secret.name === name);
    for (const { version, value } of versions) assert.equal(value.toString(), known?.values[version - 1]);
  }
}

describe('a vault whose damage was repaired', () => {
  it('lets a broken secret be set again, be rolled back and be deleted', async () => {
    const b = await filled();
    tamper(b, (secrets) => secrets.map((s) => ({ ...s, versions: s.versions.map((v, i) => (i === 1 ? { ...v, sealed: 'AAAA' } : v)) })));
    tamper(b, (secrets) => withSealed(secrets, 'B', (sealed) => sealed.fill(1)));
    assert.equal((await b.another().quarantined()).length, 3);
    const vault = b.another();
    await vault.set('B', Buffer.from('repaired'), 'user');
    await vault.rollback('A', 'user');
    await vault.delete('A', 'user', 'other');
    assert.deepEqual(await vault.quarantined(), []);
    assert.equal(await valueOf(b.another(), 'B'), 'repaired');
    assert.equal(await valueOf(b.another(), 'A'), 'old A');
  });
});
