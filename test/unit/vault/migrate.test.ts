import assert from 'node:assert/strict';
import { createCipheriv, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { isSecretsError } from '../../../src/shared/errors';
import { parseHead } from '../../../src/vault/head';
import { deriveKeys } from '../../../src/vault/keys';
import type { FirstDocument } from '../../../src/vault/migrate';
import { anyJson, anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { bench, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

const VAULT_ID = '0123456789abcdef0123456789abcdef';
const SECRETS = { A: ['one', 'two'], B: ['only'] };

/** A vault as the first version of the product left it, and a bench that has its key. Records and proofs are made as it made them. */
async function firstVault(scope = 'workspace'): Promise<{ b: Bench; document: FirstDocument }> {
  const b = await bench();
  const rootKey = randomBytes(32);
  const { fingerprint: keyId, records, heads } = deriveKeys(rootKey, VAULT_ID);
  b.keys.keys.set(`${VAULT_ID}/${keyId}`, rootKey);
  const secrets = Object.entries(SECRETS).map(([name, values]) => {
    const context = (version: number): Buffer =>
      Buffer.from(JSON.stringify(['mcp-secrets/record', 1, VAULT_ID, keyId, scope, name, version]));
    const versions = values.map((value, i) => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', records, iv);
      cipher.setAAD(context(i + 1));
      const sealed = Buffer.concat([cipher.update(value), cipher.final()]);
      return { version: i + 1, createdAt: 1000 + i, sealed: Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64') };
    });
    const head = createHmac('sha256', heads)
      .update(context(versions.length))
      .update(versions.at(-1)?.sealed ?? '')
      .digest('base64');
    return { scope, name, createdAt: 1000, head, versions };
  });
  const document: FirstDocument = { format: 1, vaultId: VAULT_ID, keyId, secrets };
  b.store.head = JSON.stringify(document);
  return { b, document };
}

const formatOf = ({ store }: Bench): unknown => (JSON.parse(store.head ?? '') as { format: unknown }).format;

describe('a vault of the first version of the product', () => {
  it('is listed without a key, and not changed by that', async () => {
    const { b } = await firstVault();
    b.keys.keys.clear();
    const vault = b.another();
    assert.deepEqual(
      vault.list().map(({ name, version, createdAt, updatedAt }) => [name, version, createdAt, updatedAt]),
      [
        ['A', 2, 1000, 1001],
        ['B', 1, 1000, 1000],
      ],
    );
    assert.deepEqual(
      vault.versions('A').map(({ version }) => version),
      [2, 1],
    );
    assert.equal(vault.size, 2);
    assert.equal(await vault.state(), 'keyLost');
    await refusal('keyLost', () => vault.open(['A']));
    assert.equal(formatOf(b), 1);
  });

  it('is opened, and written anew with all its versions and the same key', async () => {
    const { b, document } = await firstVault();
    assert.equal(await valueOf(b.vault, 'A'), 'two');
    assert.equal(formatOf(b), 2);
    const head = parseHead(b.store.head ?? '');
    assert.deepEqual([head?.vaultId, head?.keyId], [VAULT_ID, document.keyId]);
    assert.equal(b.store.previous(), JSON.stringify(document));
    const vault = b.another();
    assert.equal(await valueOf(vault, 'B'), 'only');
    assert.deepEqual(await vault.check(), []);
    assert.deepEqual(
      vault.versions('A').map(({ version, createdAt }) => [version, createdAt]),
      [
        [2, 1001],
        [1, 1000],
      ],
    );
    await vault.rollback('A', 'user');
    assert.equal(await valueOf(b.another(), 'A'), 'one');
  });

  it('can be changed, replaced its key, locked or deleted from as the first thing that is done', async () => {
    for (const act of [
      (b: Bench) => b.vault.set('C', Buffer.from('new'), 'user'),
      (b: Bench) => b.vault.rotateKey('user'),
      (b: Bench) => b.vault.lock('user').then(() => b.another().unlock('user')),
      (b: Bench) => b.vault.delete('B', 'user'),
    ]) {
      const { b } = await firstVault();
      await act(b);
      assert.equal(formatOf(b), 2);
      assert.equal(await valueOf(b.another(), 'A'), 'two');
      assert.deepEqual(await b.another().check(), []);
    }
  });

  it('keeps a scope that could not be chosen today', async () => {
    for (const scope of ['x'.repeat(128), 'my scope', 'a/b']) {
      const { b } = await firstVault(scope);
      assert.equal(await valueOf(b.vault, 'A', scope), 'two');
      assert.equal(await valueOf(b.another(), 'A', scope), 'two');
      assert.deepEqual(await b.another().quarantined(), []);
    }
  });

  it('keeps what does not prove itself, and does not use it', async () => {
    const changes: readonly ((secret: FirstDocument['secrets'][number]) => FirstDocument['secrets'][number])[] = [
      (secret) => ({ ...secret, head: 'AAAA' }),
      (secret) => ({ ...secret, versions: secret.versions.slice(0, 1) }),
      (secret) => ({ ...secret, versions: secret.versions.map((v) => ({ ...v, version: v.version + 1 })) }),
      (secret) => ({ ...secret, versions: secret.versions.map((v) => ({ ...v, sealed: '*' })) }),
    ];
    for (const change of changes) {
      const { b, document } = await firstVault();
      b.store.head = JSON.stringify({ ...document, secrets: document.secrets.map((s) => (s.name === 'A' ? change(s) : s)) });
      await refusal('secretUnreadable', () => b.vault.open(['A']));
      assert.equal(await valueOf(b.another(), 'B'), 'only');
      assert.deepEqual(await b.another().quarantined(), [{ scope: 'workspace', name: 'A' }]);
      assert.equal(b.another().list().length, 2);
    }
  });

  it('that is put back after it was written anew is noticed, and can be accepted', async () => {
    const { b, document } = await firstVault();
    await b.vault.set('A', Buffer.from('three'), 'user');
    const newer = b.store.head;
    b.store.head = JSON.stringify(document);
    for (const vault of [b.vault, b.another()]) {
      await refusal('vaultOlder', () => vault.open(['A']));
      await refusal('vaultOlder', () => vault.set('A', Buffer.from('four'), 'user'));
      await refusal('vaultOlder', () => vault.state());
    }
    assert.notEqual(newer, b.store.head);
    assert.equal(b.store.head, JSON.stringify(document));
    assert.equal((await b.another().recover('user')).kept, 2);
    assert.equal(await valueOf(b.another(), 'A'), 'two');
  });

  const damages: readonly (readonly [string, (document: FirstDocument) => string])[] = [
    ['cut', (d) => JSON.stringify(d).slice(0, -10)],
    ['no vault id', (d) => JSON.stringify({ ...d, vaultId: undefined })],
    ['a wrong key id', (d) => JSON.stringify({ ...d, keyId: 'x' })],
    ['a secret without versions', (d) => JSON.stringify({ ...d, secrets: d.secrets.map((s) => ({ ...s, versions: [] })) })],
    ['a secret with a name that cannot be', (d) => JSON.stringify({ ...d, secrets: d.secrets.map((s) => ({ ...s, name: 'k' })) })],
    ['two secrets of one name', (d) => JSON.stringify({ ...d, secrets: [...d.secrets, ...d.secrets] })],
    ['a version number that is none', (d) => JSON.stringify(d).replace('"version":1', '"version":0')],
  ];
  for (const [what, damage] of damages) {
    it(`that is damaged is left alone: ${what}`, async () => {
      const { b, document } = await firstVault();
      const text = damage(document);
      b.store.head = text;
      const vault = b.another();
      await refusal('vaultDamaged', () => vault.list());
      await refusal('vaultDamaged', () => vault.state());
      await refusal('vaultDamaged', () => vault.open(['A']));
      await refusal('vaultDamaged', () => vault.set('A', Buffer.from('new'), 'user'));
      await refusal('vaultUnrecoverable', () => vault.recover('user'));
      assert.equal(b.store.head, text);
    });
  }

  it('can be changed anywhere: nothing but an error of ours comes of it, and no wrong value', async () => {
    const { b, document } = await firstVault();
    const good = JSON.stringify(document);
    const changed = fc.oneof(
      fc.tuple(fc.constantFrom(...Object.keys(document)), anyJson).map(([key, value]) => JSON.stringify({ ...document, [key]: value })),
      fc.tuple(fc.nat(good.length - 1), anyText(1, 2)).map(([at, text]) => good.slice(0, at) + text + good.slice(at + 1)),
    );
    await fc.assert(
      fc.asyncProperty(changed, async (text) => {
        b.keys.generations.clear();
        b.store.parts.clear();
        b.store.head = text;
        for (const [name, values] of Object.entries(SECRETS)) {
          const error = await outcomeOf(async () => {
            assert.equal(await valueOf(b.another(), name), values.at(-1));
          });
          assert.ok(error === undefined || isSecretsError(error), String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});
