import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CrashHome } from './support/crashHome';
import type { Model } from './support/vaultModel';

const SECRETS = 10_000;

describe(`a vault of ${String(SECRETS)} secrets with 3 versions each`, function () {
  this.timeout(180_000);
  let folder = '';
  let home: CrashHome;
  const model: Record<string, Model[string]> = {};

  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-large-')));
    home = new CrashHome(folder);
    for (let i = 0; i < SECRETS; i += 1) {
      model[`${i % 3 === 0 ? 'work' : 'workspace'}/S_${String(i)}`] = [1, 2, 3].map((version) => ({
        version,
        value: `value ${String(version)} of ${String(i)}`,
      }));
    }
    await home.fill(model);
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes them in at once, lists them all in order, and opens each of them', async () => {
    await home.with(async ({ vaults }) => {
      await vaults.load();
      const list = vaults.list();
      assert.equal(list.length, SECRETS);
      assert.equal(vaults.workspace.size, SECRETS);
      const ids = list.map(({ scope, name }) => `${scope}/${name}`);
      assert.deepEqual(ids, Object.keys(model).sort());
      assert.deepEqual(await vaults.quarantined(), []);
      const opened = await vaults.open(['S_1', 'S_9998', 'S_5000']);
      assert.deepEqual(
        opened.map(({ name, version, value }) => [name, version, value.toString()]),
        [1, 9998, 5000].map((i) => [`S_${String(i)}`, 3, `value 3 of ${String(i)}`]),
      );
    });
    assert.deepEqual((await home.content()).model, model);
  });

  it('has its key replaced, with progress, while another process adds, changes and deletes', async () => {
    const reports: number[] = [];
    let others: Promise<void> | undefined;
    const other = (): Promise<void> =>
      home.with(async ({ vaults: { workspace } }) => {
        await workspace.set('S_1', Buffer.from('changed meanwhile'), 'cli');
        await workspace.set('NEW', Buffer.from('added meanwhile'), 'cli');
        await workspace.delete('S_2', 'cli');
      });
    const [before = ''] = home.keys();
    await home.with(async ({ vaults: { workspace } }) => {
      await workspace.rotateKey('cli', (done, total) => {
        reports.push(done);
        assert.ok(Math.abs(total - SECRETS) <= 1, 'of all');
        others ??= other();
      });
    });
    await others;
    model['workspace/S_1'] = [...(model['workspace/S_1'] ?? []), { version: 4, value: 'changed meanwhile' }];
    model['workspace/NEW'] = [{ version: 1, value: 'added meanwhile' }];
    delete model['workspace/S_2'];
    assert.ok(reports.length >= 20, 'it takes many small steps');
    // One is added meanwhile, and another one deleted.
    assert.ok([SECRETS, SECRETS + 1].includes(reports.at(-1) ?? 0), reports.join());
    assert.ok(
      reports.every((done, i) => done >= (reports[i - 1] ?? 0)),
      reports.join(),
    );
    const keys = home.keys();
    assert.ok(keys.length === 1 && keys[0] !== before);
    assert.deepEqual((await home.content()).model, model);
    assert.deepEqual(home.junk(), []);
  });
});
