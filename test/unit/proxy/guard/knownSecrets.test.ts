import assert from 'node:assert/strict';
import { KnownSecrets } from '../../../../src/proxy/guard/knownSecrets';
import { maskedArguments } from '../../../../src/proxy/guard/mask';
import type { OpenedSecret } from '../../../../src/vault/secret';
import { refusal } from '../../support/errors';
import { RecordingLogger } from '../../support/memory';
import { bench } from '../../support/vaults';
import type { Bench } from '../../support/vaults';

/** The fingerprints of a vault, and every value that was opened for them. */
function knownOf({ vault }: Bench): { known: KnownSecrets; opened: OpenedSecret[]; logger: RecordingLogger } {
  const opened: OpenedSecret[] = [];
  const logger = new RecordingLogger();
  const watched = {
    list: () => vault.list(),
    revision: () => vault.revision(),
    sealOf: vault.sealOf.bind(vault),
    infoOf: vault.infoOf.bind(vault),
    openAtHand: () => undefined,
    open: async (names: readonly string[], scope?: string) => {
      const values = await vault.open(names, scope);
      opened.push(...values);
      return values;
    },
  };
  return { known: new KnownSecrets(watched, logger), opened, logger };
}

describe('what is known of the secrets', () => {
  it('opens each value once, and overwrites it', async () => {
    const made = await bench({ A: 'value-of-a', B: 'value-of-b' });
    const { known, opened } = knownOf(made);
    assert.equal((await known.current()).find('is value-of-b')?.name, 'B');
    known.changed();
    await known.current();
    assert.equal(opened.length, 2);
    assert.ok(opened.every(({ value }) => value.every((byte) => byte === 0)));
  });

  it('follows changes: new values, deleted secrets, scopes', async () => {
    const made = await bench({ A: 'value-of-a' });
    const { known, opened } = knownOf(made);
    await known.current();
    await made.vault.set('A', Buffer.from('another-value'), 'user');
    await made.vault.set('A', Buffer.from('value-at-work'), 'user', 'work');
    known.changed();
    const now = await known.current();
    assert.equal(now.find('value-of-a'), undefined);
    assert.deepEqual(
      [now.find('another-value'), now.find('value-at-work')],
      [
        { scope: 'workspace', name: 'A' },
        { scope: 'work', name: 'A' },
      ],
    );
    assert.equal(opened.length, 3);
    await made.vault.delete('A', 'user');
    known.changed();
    assert.equal((await known.current()).find('another-value'), undefined);
  });

  it('is made once for all who ask at the same time, and is at hand afterwards', async () => {
    const { known, opened } = knownOf(await bench({ A: 'value-of-a' }));
    const all = Array.from({ length: 5 }, () => known.current());
    assert.ok(all.every((one) => one instanceof Promise));
    await Promise.all(all);
    assert.equal(opened.length, 1);
    assert.ok(!(known.current() instanceof Promise));
  });

  it('is nothing without a vault', async () => {
    const { known } = knownOf(await bench());
    assert.ok((await known.current()).isEmpty);
  });

  it('fails with what keeps the vault shut, and works when that is over', async () => {
    const made = await bench({ A: 'value-of-a' });
    const { known } = knownOf(made);
    await made.vault.lock('user');
    await refusal('locked', () => known.current());
    await made.vault.unlock('user');
    assert.equal((await known.current()).find('value-of-a')?.name, 'A');
  });

  it('masks secrets in arguments that are shown, wherever they stand', async () => {
    const { known } = knownOf(await bench({ A: 'value-of-a' }));
    const shown = await maskedArguments(known, {
      a: ['before value-of-a after', 'plain \u202e'],
      'value-of-a': Buffer.from('value-of-a').toString('base64'),
      n: 1,
    });
    assert.deepEqual(JSON.parse(shown), {
      a: ['[secret:A]', 'plain \\u202e'.replace('\\u202e', '\u202e')],
      '[secret:A]': '[secret:A]',
      n: 1,
    });
    assert.ok(shown.includes('\\u202e') && !shown.includes('\u202e'));
    assert.match(shown, /\n {2}"a": \[\n/);
    let deep: unknown = 'value-of-a';
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    assert.equal(await maskedArguments(known, deep), '(nested too deeply to be shown)');
  });
});
