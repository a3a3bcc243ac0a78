import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isSecretsError } from '../../../src/shared/errors';
import { parseDocument } from '../../../src/vault/document';
import type { VaultDocument } from '../../../src/vault/document';
import { anyJson, anyText } from '../support/arbitraries';
import { outcomeOf, refusal } from '../support/errors';
import { bench, documentOf, valueOf } from '../support/vaults';
import type { Bench } from '../support/vaults';

/** Everything that can be asked of a vault fails alike, and what is stored stays as it is. */
async function assertRefused(b: Bench, kind: 'vaultDamaged' | 'vaultNewer', text: string): Promise<void> {
  b.store.text = text;
  const vault = b.another();
  await refusal(kind, () => vault.list());
  await refusal(kind, () => vault.state());
  await refusal(kind, () => vault.open(['K']));
  await refusal(kind, () => vault.set('K', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.set('NEW', Buffer.from('new'), 'user'));
  await refusal(kind, () => vault.delete('K', 'user'));
  assert.equal(b.store.text, text);
  assert.equal(b.keys.sets.length, 1);
}

describe('the document of a vault', () => {
  it('of a newer format is left alone', async () => {
    const b = await bench({ K: 'v' });
    const newer = [2, 3, 1.5, 1e308].map((format) => JSON.stringify({ ...documentOf(b), format, something: 'new' }));
    for (const text of [...newer, '{"format":2}']) await assertRefused(b, 'vaultNewer', text);
  });

  const damages: readonly (readonly [string, (document: VaultDocument) => string])[] = [
    ['no text', () => ''],
    ['no JSON', () => 'not json'],
    ['cut', (d) => JSON.stringify(d).slice(0, -10)],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['nothing in it', () => '{}'],
    ['an older format than there ever was', (d) => JSON.stringify({ ...d, format: 0 })],
    ['a format that is no number', (d) => JSON.stringify({ ...d, format: '2' })],
    ['no vault id', (d) => JSON.stringify({ ...d, vaultId: undefined })],
    ['a wrong key id', (d) => JSON.stringify({ ...d, keyId: 'x' })],
    ['a secret without versions', (d) => JSON.stringify({ ...d, secrets: d.secrets.map((s) => ({ ...s, versions: [] })) })],
    ['a secret with a name that cannot be', (d) => JSON.stringify({ ...d, secrets: d.secrets.map((s) => ({ ...s, name: 'k' })) })],
    ['two secrets of one name', (d) => JSON.stringify({ ...d, secrets: [...d.secrets, ...d.secrets] })],
    ['a record that is not base64', (d) => JSON.stringify(d).replace(/"sealed":"../, '"sealed":"*_')],
    ['a version number that is none', (d) => JSON.stringify(d).replace('"version":1', '"version":0')],
  ];
  for (const [what, damage] of damages) {
    it(`that is damaged is left alone: ${what}`, async () => {
      const b = await bench({ K: 'v' });
      await assertRefused(b, 'vaultDamaged', damage(documentOf(b)));
    });
  }

  it('can be any text: nothing but an error of ours comes of it', async () => {
    const texts = fc.oneof(
      anyText(0, 60),
      anyJson.map((value) => JSON.stringify(value)),
      fc.constantFrom('[', '{"__proto__":{"format":2}}', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, '{"format":1e999}'),
    );
    const b = await bench({ K: 'v' });
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        b.store.text = text;
        const error = await outcomeOf(() => b.another().list());
        assert.ok(isSecretsError(error), String(error));
        const setting = await outcomeOf(() => b.another().set('K', Buffer.from('v'), 'user'));
        assert.ok(isSecretsError(setting), String(setting));
        assert.equal(b.store.text, text);
      }),
      { numRuns: 200 },
    );
  });

  it('can be changed anywhere: nothing but an error of ours comes of it, and no wrong value', async () => {
    const b = await bench({ K: 'the value', L: 'another value' });
    const good = JSON.parse(b.store.text ?? '') as Record<string, unknown>;
    const changed = fc
      .tuple(fc.constantFrom(...Object.keys(good)), anyJson)
      .map(([key, value]) => JSON.stringify({ ...good, [key]: value }));
    await fc.assert(
      fc.asyncProperty(changed, async (text) => {
        b.store.text = text;
        const error = await outcomeOf(async () => assert.equal(await valueOf(b.another(), 'K'), 'the value'));
        assert.ok(error === undefined || isSecretsError(error), String(error));
      }),
      { numRuns: 200 },
    );
  });

  it('keeps what it says when a secret is set with one character of it changed', async () => {
    const b = await bench({ K: 'the value' });
    const good = b.store.text ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom('"', '0', 'x', '{', ','), async (at, character) => {
        b.store.text = good.slice(0, at) + character + good.slice(at + 1);
        const error = await outcomeOf(async () => {
          const [opened] = await b.another().open(['K']);
          assert.ok(opened === undefined || opened.value.toString() === 'the value');
        });
        assert.ok(error === undefined || isSecretsError(error), String(error));
      }),
      { numRuns: 200 },
    );
  });

  it('says where it is damaged without saying what is there', async () => {
    const b = await bench({ K: 'v' });
    const text = JSON.stringify({ ...documentOf(b), vaultId: 'SOMETHING-PRIVATE' });
    const error = await refusal('vaultDamaged', () => parseDocument(text));
    assert.match(error.message, /vaultId/);
    assert.doesNotMatch(error.message, /PRIVATE/);
  });
});
