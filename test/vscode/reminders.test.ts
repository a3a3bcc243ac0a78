import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { reminderOf, Reminders, toRemind } from '../../src/editor/reminders';
import type { Workspace } from '../../src/editor/workspace';
import type { SecretInfo } from '../../src/vault/secret';
import { activated, reset } from './support';

const DAY_MS = 86_400_000;
const now = Date.UTC(2026, 10, 21, 12);

const info = (name: string, rest: Partial<SecretInfo> = {}): SecretInfo => ({
  scope: 'workspace',
  name,
  version: 1,
  createdAt: now - 45 * DAY_MS,
  updatedAt: now - 45 * DAY_MS,
  ...rest,
});

describe('reminders', () => {
  const expired = info('EXPIRED', { expiresAt: now - DAY_MS });
  const names = (infos: readonly SecretInfo[]): string[] => infos.map(({ name }) => name);

  it('are about secrets that have expired, soon will, or are due', () => {
    const all = [
      expired,
      info('SOON', { expiresAt: now + 6 * DAY_MS }),
      info('LATER', { expiresAt: now + 8 * DAY_MS }),
      info('DUE', { rotateEveryMs: 30 * DAY_MS }),
      info('NOT_DUE', { rotateEveryMs: 60 * DAY_MS }),
      info('PLAIN'),
    ];
    assert.deepEqual(names(toRemind(all, {}, now)), ['EXPIRED', 'SOON', 'DUE']);
  });

  it('come once a day, and not for a version that nobody wants to hear of', () => {
    const key = 'workspace/EXPIRED';
    assert.deepEqual(toRemind([expired], { [key]: { remindedAt: now - DAY_MS + 1 } }, now), []);
    assert.deepEqual(toRemind([expired], { [key]: { remindedAt: now - DAY_MS } }, now), [expired]);
    assert.deepEqual(toRemind([expired], { [key]: { silent: 1 } }, now), []);
    const next = { ...expired, version: 2 };
    assert.deepEqual(toRemind([next], { [key]: { silent: 1 } }, now), [next], 'the next version is another matter');
    const other = { ...expired, scope: 'other' };
    assert.deepEqual(toRemind([other], { [key]: { silent: 1 } }, now), [other], 'so is a secret of another scope');
  });

  it('say what is the matter', () => {
    assert.equal(reminderOf(expired, now), 'The secret EXPIRED expired 1 day ago. Replace it with a new value.');
    assert.equal(
      reminderOf(info('DUE', { scope: 'work', rotateEveryMs: 30 * DAY_MS }), now),
      'The secret work/DUE is due for rotation: it was set 1 month ago, and a new value is due every 30 days.',
    );
  });

  describe('of a vault', () => {
    let workspace: Workspace;
    let asked: string[][];
    let stored: Map<string, unknown>;

    before(async () => {
      ({ workspace } = await activated());
    });

    beforeEach(async () => {
      await reset(workspace);
      asked = [];
      stored = new Map();
    });
    after(() => reset(workspace));

    /** Reminds with these answers, from what was remembered before. */
    const remind = (at: number, answer: string | undefined): Promise<void> => {
      const storage: vscode.Memento = {
        keys: () => [...stored.keys()],
        get: <T>(key: string, fallback?: T) => (stored.get(key) as T | undefined) ?? fallback,
        update: (key: string, value: unknown) => Promise.resolve(void stored.set(key, JSON.parse(JSON.stringify(value)))),
      };
      const ask = (...words: string[]): Promise<string | undefined> => {
        asked.push(words);
        return Promise.resolve(answer);
      };
      return new Reminders(workspace, storage, ask).check(at);
    };

    const add = (name: string): Promise<unknown> =>
      workspace.vaults.workspace.set(name, Buffer.from('canary-of-reminders'), 'user', 'workspace', { expiresAt: Date.now() + DAY_MS });

    it('are asked again the next day after "Later", and after a new window was opened', async () => {
      await add('A_KEY');
      const start = Date.now();
      await remind(start, 'Later');
      await remind(start + DAY_MS / 2, 'Later');
      assert.equal(asked.length, 1);
      await remind(start + DAY_MS, undefined);
      assert.equal(asked.length, 2);
      assert.deepEqual(asked[0]?.slice(1), ['Replace…', 'Later', 'Do Not Show Again']);
    });

    it('stop after "Do Not Show Again", until there is a new version', async () => {
      await add('A_KEY');
      const start = Date.now();
      await remind(start, 'Do Not Show Again');
      await remind(start + 2 * DAY_MS, undefined);
      assert.equal(asked.length, 1);
      await add('A_KEY');
      await remind(start + 4 * DAY_MS, undefined);
      assert.equal(asked.length, 2);
    });

    it('are one message for many secrets', async () => {
      for (const name of ['A_KEY', 'B_KEY', 'C_KEY', 'D_KEY', 'E_KEY']) await add(name);
      await remind(Date.now(), undefined);
      assert.deepEqual(asked, [
        ['A_KEY, B_KEY, C_KEY and 2 more secrets have expired, expire within a week or are due for rotation.', 'Show Secrets', 'Later', 'Do Not Show Again'],
      ]); // prettier-ignore
    });

    it('hold and keep names and dates only', async () => {
      await add('A_KEY');
      await remind(Date.now(), 'Do Not Show Again');
      assert.doesNotMatch(JSON.stringify([asked, [...stored]]), /canary/);
      await workspace.vaults.workspace.delete('A_KEY', 'user');
      await add('B_KEY');
      await remind(Date.now(), 'Later');
      assert.deepEqual(Object.keys(stored.get('reminders') as object), ['workspace/B_KEY'], 'what is known of A_KEY goes with it');
    });

    it('can be turned off by the user, and not by a workspace', async () => {
      await add('A_KEY');
      const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('mcpSecrets');
      await assert.rejects(Promise.resolve(settings().update('reminders', false, vscode.ConfigurationTarget.Workspace)));
      await settings().update('reminders', false, vscode.ConfigurationTarget.Global);
      try {
        await remind(Date.now(), undefined);
        assert.deepEqual(asked, []);
      } finally {
        await settings().update('reminders', undefined, vscode.ConfigurationTarget.Global);
      }
    });
  });
});
