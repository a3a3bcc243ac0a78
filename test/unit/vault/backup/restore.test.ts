import assert from 'node:assert/strict';
import { planRestore, previewRestore } from '../../../../src/vault/backup/restore';
import type { SecretSnapshot } from '../../../../src/vault/secret';
import { snapshot } from '../../support/snapshots';
import { bench, edited, secretsOf, tamper, valueOf, withSealed } from '../../support/vaults';

const states = (planned: ReturnType<typeof planRestore>): [string, string][] => planned.map(({ state, backup }) => [backup.name, state]);

/** The secret, all of it set at a time. */
function setAt(time: number, { versions, ...secret }: SecretSnapshot): SecretSnapshot {
  return { ...secret, createdAt: time, versions: versions.map((version) => ({ ...version, createdAt: time })) };
}

describe('the preview of a restore', () => {
  it('says of each secret what restoring it means', async () => {
    const { vault, clock } = await bench({ SAME: 'same', CHANGED: 'here', OLDER: 'here', ONLY_HERE: 'here' });
    const planned = await previewRestore(
      [
        setAt(clock.time + 1, snapshot('CHANGED', ['there'])),
        setAt(clock.time - 1, snapshot('OLDER', ['before', 'there'])),
        setAt(clock.time - 1, snapshot('SAME', ['before', 'same'])),
        snapshot('NEW', ['there']),
        setAt(clock.time - 1, snapshot('SAME', ['same'], 'other-scope')),
      ],
      vault,
    );
    assert.deepEqual(states(planned), [
      ['SAME', 'new'],
      ['CHANGED', 'changed'],
      ['NEW', 'new'],
      ['OLDER', 'older'],
      ['SAME', 'same'],
    ]);
    const [older] = planned.filter(({ state }) => state === 'older');
    assert.deepEqual([older?.backup.version, older?.backup.updatedAt], [2, clock.time - 1]);
    assert.deepEqual([older?.current?.version, older?.current?.updatedAt], [1, clock.time]);
  });

  it('takes a secret that does not open here for one to be restored, even by an earlier value', async () => {
    const made = await bench({ BROKEN: 'here' });
    tamper(made, (secrets) => withSealed(secrets, 'BROKEN', (sealed) => Buffer.from(sealed.map((byte) => byte ^ 1))));
    assert.equal(secretsOf(made).length, 1);
    const planned = await previewRestore([setAt(1, snapshot('BROKEN', ['there']))], made.another());
    assert.deepEqual(states(planned), [['BROKEN', 'changed']]);
  });

  it('leaves the values of the backup as they are, and opens none when there is nothing to compare', async () => {
    const { vault } = await bench();
    const snapshots = [snapshot('NEW', ['there'])];
    assert.deepEqual(states(await previewRestore(snapshots, vault)), [['NEW', 'new']]);
    assert.equal(snapshots[0]?.versions[0]?.value.toString(), 'there');
    assert.deepEqual(
      planRestore([], vault.list(), () => assert.fail()),
      [],
    );
  });
});

describe('a restore', () => {
  it('brings a secret that is not here with all its versions and dates', async () => {
    const { vault } = await bench({ OTHER: 'other' });
    const expiring = { ...snapshot('TOKEN', ['one', 'two', 'three'], 'team'), rotateEveryMs: 1000 };
    const times = expiring.versions.map(({ createdAt }) => createdAt);
    await vault.restore([expiring], 'cli');
    assert.deepEqual(
      vault.versions('TOKEN', 'team').map(({ createdAt }) => createdAt),
      times.reverse(),
    );
    assert.equal(vault.infoOf('TOKEN', 'team')?.rotateEveryMs, 1000);
    assert.equal(await valueOf(vault, 'TOKEN', 'team'), 'three');
    await vault.rollback('TOKEN', 'cli', 'team', 1);
    assert.equal(await valueOf(vault, 'TOKEN', 'team'), 'one');
  });

  it('keeps the value that was here as an earlier version', async () => {
    const { vault } = await bench({ TOKEN: 'here' });
    await vault.restore([snapshot('TOKEN', ['there'])], 'cli');
    assert.equal(await valueOf(vault, 'TOKEN'), 'there');
    await vault.rollback('TOKEN', 'cli');
    assert.equal(await valueOf(vault, 'TOKEN'), 'here');
  });

  it('can be done twice and changes nothing the second time', async () => {
    const { vault } = await bench();
    for (let i = 0; i < 2; i++) await vault.restore([snapshot('TOKEN', ['one', 'two'])], 'cli');
    assert.equal(vault.versions('TOKEN').length, 2);
  });

  it('makes a secret usable that did not open', async () => {
    const made = await bench({ BROKEN: 'here' });
    tamper(made, (secrets) => edited(secrets, 'BROKEN', (secret) => ({ ...secret, head: secret.head.replace(/^./, '!') })));
    const vault = made.another();
    await vault.restore([snapshot('BROKEN', ['there'])], 'cli');
    assert.equal(await valueOf(vault, 'BROKEN'), 'there');
  });
});
