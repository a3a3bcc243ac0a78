import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_VALUE_BYTES } from '../../../src/vault/secret';
import { anyText } from '../support/arbitraries';
import { refusal } from '../support/errors';
import { bench, secretsOf, storedText, valueOf } from '../support/vaults';

describe('a vault', () => {
  describe('values', () => {
    const values: readonly (readonly [string, Buffer])[] = [
      ['one byte', Buffer.from([0])],
      ['64 KiB exactly', Buffer.alloc(MAX_VALUE_BYTES, 7)],
      ['several lines', Buffer.from('-----BEGIN KEY-----\nabc\r\n\n-----END KEY-----\n')],
      ['text in many scripts', Buffer.from('pässwörd 密码 🔑 עברית')],
      ['bytes that are no text', Buffer.from([0xff, 0xfe, 0, 0x80])],
    ];
    for (const [what, value] of values) {
      it(`are kept byte for byte: ${what}`, async () => {
        const { vault } = await bench();
        await vault.set('K', Buffer.from(value), 'user');
        assert.deepEqual((await vault.open(['K']))[0]?.value, value);
      });
    }

    it('are kept byte for byte, whatever the bytes', async () => {
      const { vault, another } = await bench();
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
          await vault.set('K', Buffer.from(bytes), 'user');
          const [opened] = await another().open(['K']);
          assert.deepEqual(opened?.value, Buffer.from(bytes));
        }),
        { numRuns: 60 },
      );
    });

    it('may not be empty', async () => {
      const { vault, store } = await bench();
      const error = await refusal('valueEmpty', () => vault.set('K', Buffer.alloc(0), 'user'));
      assert.match(error.message, /K/);
      assert.equal(store.head, undefined);
    });

    it('may not be longer than 64 KiB', async () => {
      const { vault, store } = await bench({ K: 'old' });
      const before = store.head;
      const error = await refusal('valueTooLarge', () => vault.set('K', Buffer.alloc(MAX_VALUE_BYTES + 1, 65), 'user'));
      assert.deepEqual(error.details, { name: 'K', bytes: 65_537, limit: 65_536 });
      assert.equal(store.head, before);
      assert.equal(await valueOf(vault, 'K'), 'old');
    });

    it('are overwritten in the memory of the caller, kept or refused', async () => {
      const { vault, store } = await bench();
      const kept = Buffer.from('the value');
      await vault.set('K', kept, 'user');
      assert.ok(kept.every((byte) => byte === 0));

      const refused = Buffer.alloc(MAX_VALUE_BYTES + 1, 65);
      await refusal('valueTooLarge', () => vault.set('K', refused, 'user'));
      assert.ok(refused.every((byte) => byte === 0));

      const badName = Buffer.from('the value');
      await refusal('nameInvalid', () => vault.set('---', badName, 'user'));
      assert.ok(badName.every((byte) => byte === 0));

      store.failing = true;
      const unwritten = Buffer.from('the value');
      await refusal('storeFailed', () => vault.set('K', unwritten, 'user'));
      assert.ok(unwritten.every((byte) => byte === 0));
    });

    it('that are opened can be overwritten without harm to the vault', async () => {
      const { vault } = await bench({ K: 'value' });
      (await vault.open(['K']))[0]?.value.fill(0);
      assert.equal(await valueOf(vault, 'K'), 'value');
    });

    it('stand nowhere in what is stored or recorded', async () => {
      await fc.assert(
        fc.asyncProperty(anyText(12, 40), async (value) => {
          const { store, audit } = await bench({ K: value });
          const written = `${storedText({ store })}${JSON.stringify(audit.entries)}`;
          const bytes = Buffer.from(value);
          for (const form of [value.slice(0, 12), bytes.toString('base64', 0, 12), bytes.toString('hex', 0, 12)])
            assert.ok(!written.includes(form));
        }),
        { numRuns: 40 },
      );
    });

    it('are sealed afresh each time: the same value never gives the same ciphertext', async () => {
      const b = await bench({ A: 'same', B: 'same' });
      await b.vault.set('A', Buffer.from('same'), 'user');
      const sealed = secretsOf(b).flatMap((secret) => secret.versions.map((v) => v.sealed));
      assert.equal(sealed.length, 3);
      assert.equal(new Set(sealed).size, 3);
      assert.equal(new Set(sealed.map((text) => Buffer.from(text, 'base64').toString('hex', 0, 12))).size, 3);
    });
  });

  describe('set', () => {
    it('adds a secret under its normalised name', async () => {
      const { vault, clock, audit } = await bench();
      const info = await vault.set('github-token', Buffer.from('v'), 'cli');
      assert.deepEqual(info, { scope: 'workspace', name: 'GITHUB_TOKEN', version: 1, createdAt: clock.time, updatedAt: clock.time });
      assert.equal(await valueOf(vault, 'GITHUB_TOKEN'), 'v');
      assert.deepEqual(audit.entries, [
        { actor: 'cli', action: 'secret.set', secrets: ['GITHUB_TOKEN'], versions: { GITHUB_TOKEN: 1 }, outcome: 'ok' },
      ]);
    });

    it('again adds a version and leaves when it was created', async () => {
      const { vault, clock } = await bench({ K: 'one' });
      const createdAt = clock.time;
      clock.time += 60_000;
      const info = await vault.set('k', Buffer.from('two'), 'user');
      assert.deepEqual(info, { scope: 'workspace', name: 'K', version: 2, createdAt, updatedAt: clock.time });
      assert.equal(await valueOf(vault, 'K'), 'two');
      assert.equal(vault.list().length, 1);
    });

    it('many times keeps counting and does not grow without end', async () => {
      const b = await bench();
      for (let i = 1; i <= 15; i += 1) await b.vault.set('K', Buffer.from(`value ${String(i)}`), 'user');
      assert.equal(b.vault.infoOf('k')?.version, 15);
      assert.equal(await valueOf(b.vault, 'K'), 'value 15');
      assert.ok((secretsOf(b)[0]?.versions.length ?? 0) <= 10);
    });

    it('tells those who listen, and deleting does, too', async () => {
      const { vault } = await bench();
      let told = 0;
      const listening = vault.onDidChange(() => (told += 1));
      await vault.set('K', Buffer.from('v'), 'user');
      assert.equal(told, 1);
      await vault.delete('K', 'user');
      assert.equal(told, 2);
      listening.dispose();
      await vault.set('K', Buffer.from('v'), 'user');
      assert.equal(told, 2);
    });

    it('keeps equal names in different scopes apart', async () => {
      const { vault } = await bench({ K: 'here' });
      await vault.set('K', Buffer.from('there'), 'user', 'other');
      assert.equal(await valueOf(vault, 'K'), 'here');
      assert.equal(await valueOf(vault, 'K', 'other'), 'there');
      await vault.delete('K', 'user', 'other');
      assert.equal(await valueOf(vault, 'K'), 'here');
    });

    it('that cannot be stored changes nothing', async () => {
      const { vault, store, audit } = await bench({ K: 'old' });
      const entries = audit.entries.length;
      store.failing = true;
      await refusal('storeFailed', () => vault.set('K', Buffer.from('new'), 'user'));
      store.failing = false;
      assert.equal(await valueOf(vault, 'K'), 'old');
      assert.equal(audit.entries.length, entries);
    });
  });

  describe('list', () => {
    it('gives names and metadata only, sorted by scope and name', async () => {
      const { vault } = await bench({ B: 'b-value', a: 'a-value', _0: 'zero' });
      await vault.set('Z', Buffer.from('v'), 'user', 'another');
      assert.deepEqual(
        vault.list().map((info) => `${info.scope}/${info.name}`),
        ['another/Z', 'workspace/A', 'workspace/B', 'workspace/_0'],
      );
      for (const info of vault.list()) assert.deepEqual(Object.keys(info).sort(), ['createdAt', 'name', 'scope', 'updatedAt', 'version']);
    });

    it('of a new vault is empty and makes nothing', async () => {
      const { vault, store, keys } = await bench();
      assert.deepEqual(vault.list(), []);
      assert.equal(await vault.state(), 'ready');
      assert.equal(store.head, undefined);
      assert.equal(keys.made.length, 0);
    });
  });

  describe('delete', () => {
    it('removes the secret with all its versions and nothing else', async () => {
      const b = await bench({ A: 'a', B: 'b' });
      await b.vault.set('A', Buffer.from('a2'), 'user');
      await b.vault.delete('a', 'user');
      assert.deepEqual(
        b.vault.list().map((info) => info.name),
        ['B'],
      );
      assert.deepEqual(
        secretsOf(b).map((secret) => secret.name),
        ['B'],
      );
      await refusal('secretMissing', () => b.vault.open(['A']));
      assert.equal(await valueOf(b.vault, 'B'), 'b');
    });

    it('and setting anew gives a value that can be told from the old one, though both are version 1', async () => {
      const { vault } = await bench({ A: 'a' });
      const [before] = await vault.open(['A']);
      assert.equal(vault.sealOf('a'), before?.seal);
      await vault.delete('A', 'user');
      assert.equal(vault.sealOf('A'), undefined);
      await vault.set('A', Buffer.from('a'), 'user');
      assert.equal(vault.infoOf('A')?.version, before?.version);
      assert.notEqual(vault.sealOf('A'), before?.seal);
    });

    it('of what is not there is refused', async () => {
      const { vault, store } = await bench();
      await refusal('secretMissing', () => vault.delete('A', 'user'));
      assert.equal(store.head, undefined);
      await vault.set('B', Buffer.from('b'), 'user');
      await refusal('secretMissing', () => vault.delete('A', 'user'));
    });
  });

  describe('open', () => {
    it('names every secret that is missing', async () => {
      const { vault } = await bench({ A: 'a' });
      const error = await refusal('secretMissing', () => vault.open(['X', 'A', 'Y', 'Z']));
      assert.deepEqual(error.details.names, ['X', 'Y', 'Z']);
      for (const name of ['X', 'Y', 'Z']) assert.match(error.message, new RegExp(`\\b${name}\\b`));
    });

    it('gives values in the order asked for, with their versions', async () => {
      const { vault } = await bench({ A: 'a', B: 'b' });
      await vault.set('B', Buffer.from('b2'), 'user');
      const opened = await vault.open(['B', 'A']);
      assert.deepEqual(
        opened.map(({ name, version, value }) => [name, version, value.toString()]),
        [
          ['B', 2, 'b2'],
          ['A', 1, 'a'],
        ],
      );
    });

    it('of nothing needs nothing', async () => {
      const { vault } = await bench();
      assert.deepEqual(await vault.open([]), []);
    });
  });

  describe('in two windows', () => {
    it('loses nothing when both set at once', async () => {
      const { vault: one, another } = await bench({ FIRST: 'first' });
      const two = another();
      const names = Array.from({ length: 20 }, (_, i) => `K${String(i)}`);
      await Promise.all(names.map((name, i) => (i % 2 === 0 ? one : two).set(name, Buffer.from(`v ${name}`), 'user')));
      for (const vault of [one, two, another()]) {
        assert.equal(vault.list().length, 21);
        for (const name of names) assert.equal(await valueOf(vault, name), `v ${name}`);
      }
    });

    it('gives each set of one secret a version of its own', async () => {
      const { vault: one, another } = await bench();
      const two = another();
      const infos = await Promise.all(
        Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? one : two).set('K', Buffer.from(String(i)), 'user')),
      );
      assert.deepEqual(infos.map((info) => info.version).sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('makes one vault and one key when both begin at once', async () => {
      const { vault: one, another, keys } = await bench();
      await Promise.all([one.set('A', Buffer.from('a'), 'user'), another().set('B', Buffer.from('b'), 'user')]);
      assert.equal(keys.made.length, 1);
      assert.equal(await valueOf(one, 'B'), 'b');
    });

    it('sees at once what the other has changed', async () => {
      const { vault: one, another } = await bench({ K: 'one' });
      const two = another();
      assert.equal(await valueOf(one, 'K'), 'one');
      await two.set('K', Buffer.from('two'), 'user');
      assert.equal(await valueOf(one, 'K'), 'two');
      await two.delete('K', 'user');
      await refusal('secretMissing', () => one.open(['K']));
    });
  });
});
