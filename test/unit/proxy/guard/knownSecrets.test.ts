import assert from 'node:assert/strict';
import { mock } from 'node:test';
import fc from 'fast-check';
import { KnownSecrets } from '../../../../src/proxy/guard/knownSecrets';
import { maskedCall } from '../../../../src/proxy/guard/mask';
import { secretIn } from '../../../../src/proxy/guard/search';
import { atOnce } from '../../../../src/shared/steps';
import type { OpenedSecret } from '../../../../src/vault/secret';
import { encodings } from '../../../fixtures/encodings';
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

async function shownArguments(known: KnownSecrets, args: unknown): Promise<string> {
  return (await maskedCall(known, 'x', args)).arguments;
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

  it('follows what another process has changed within a moment, though the clock goes back', async () => {
    const made = await bench({ A: 'value-of-a' });
    const { known } = knownOf(made);
    let [day, steady] = [Date.UTC(2026, 0, 2), 1_000];
    mock.method(Date, 'now', () => day);
    mock.method(performance, 'now', () => steady);
    try {
      await known.current();
      await known.current();
      await made.another().set('B', Buffer.from('value-of-b'), 'cli');
      day -= 3_600_000;
      steady += 249;
      assert.equal((await known.current()).find('value-of-b'), undefined, 'the vault is not looked at for every message');
      steady += 1;
      assert.equal((await known.current()).find('value-of-b')?.name, 'B');
    } finally {
      mock.restoreAll();
    }
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
    const shown = await shownArguments(known, {
      a: ['before value-of-a after', 'plain \u202e'],
      'value-of-a': Buffer.from('value-of-a.').toString('hex'),
      n: 1,
    });
    assert.deepEqual(JSON.parse(shown), {
      a: ['before [secret:A] after', 'plain \\u202e'.replace('\\u202e', '\u202e')],
      '[secret:A]': '[secret:A]2e',
      n: 1,
    });
    assert.ok(shown.includes('\\u202e') && !shown.includes('\u202e'));
    assert.match(shown, /\n {2}"a": \[\n/);
    let deep: unknown = 'value-of-a';
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    assert.equal(await shownArguments(known, deep), '(nested too deeply to be shown)');
  });

  it('masks secrets in the name of a tool', async () => {
    const { known } = knownOf(await bench({ A: 'value-of-a' }));
    assert.deepEqual(await maskedCall(known, 'get_value-of-a', {}), { tool: 'get_[secret:A]', arguments: '{}' });
    assert.deepEqual(await maskedCall(known, 'get', {}), { tool: 'get', arguments: '{}' });
  });

  it('masks nothing but the value, so that what stands beside it is seen', async () => {
    const { known } = knownOf(await bench({ T: 'tok-1234567890', N: '1234567890123' }));
    const shown = async (args: unknown): Promise<unknown> => JSON.parse(await shownArguments(known, args));
    const long = 'x'.repeat(40_000);
    for (const [sent, seen] of [
      ['rm -rf ~/work # tok-1234567890', 'rm -rf ~/work # [secret:T]'],
      ['tok-1234567890; tok-1234567890tok-1234567890', '[secret:T]; [secret:T][secret:T]'],
      ['say {"k":"{\\"t\\":\\"\\\\u0074ok-1234567890\\"}"}', 'say {"k":"{\\"t\\":\\"[secret:T]\\"}"}'],
      ['https://x/?a=%20&t=%74ok-1234567890&b=%20', 'https://x/?a=%20&t=[secret:T]&b=%20'],
      [`${long}tok-1234567890${long}`, `${long}[secret:T]${long}`],
      [12345678901230, '[secret:N]0'],
      [`tok-123456789 ${long}`, `tok-123456789 ${long}`],
    ] as const)
      assert.deepEqual(await shown({ sent }), { sent: seen });
  });

  it('shows every member, though the value stands in several names', async () => {
    const { known } = knownOf(await bench({ T: 'tok-1234567890' }));
    const args = {
      'tok-1234567890': 'a',
      '\\u0074ok-1234567890': 'b',
      '[secret:T]': 'c',
      '[secret:T] (2)': 'd',
      '%74ok-1234567890': 'e',
    };
    assert.deepEqual(JSON.parse(await shownArguments(known, args)), {
      '[secret:T] (3)': 'a',
      '[secret:T] (4)': 'b',
      '[secret:T]': 'c',
      '[secret:T] (2)': 'd',
      '[secret:T] (5)': 'e',
    });
  });

  it('masks all that the guard finds', async () => {
    const { known } = knownOf(await bench({ A: 'value "of" ä & b', B: 'another-value-1' }));
    const prints = await known.current();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constantFrom(...encodings('value "of" ä & b'), ...encodings('another-value-1')), fc.string())),
        async (parts) => {
          const shown = await shownArguments(known, { [parts.join('')]: parts.join(' ') });
          assert.equal(atOnce(secretIn(prints, JSON.parse(shown))), undefined);
        },
      ),
    );
  });
});
