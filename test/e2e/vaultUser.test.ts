import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workbench } from '../host/workbench';
import { addSecret, giveValue, titled } from './support/actions';
import { tokenCanary } from './support/canary';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { storageOf, viewSays } from './support/vault';

describe('a vault of the scope user that is damaged', () => {
  const session = new Session();
  let workbench: Workbench;
  let storage: string;
  let shared: string;

  before(async function () {
    this.timeout(600_000);
    await session.start();
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await addSecret(workbench, 'OWN', tokenCanary('own_'));
    storage = await storageOf(session);
    shared = join(storage, '..', '..', '..', 'globalStorage', 'mcp-secrets.mcp-secrets', 'user');
    assert.ok(existsSync(shared), 'it is watched from the start: what happens in a folder that is made later is missed for seconds');
    for (const name of ['FIRST', 'SECOND']) {
      await workbench.runCommand('MCP Secrets: Add Secret');
      await titled(workbench, 'Add Secret');
      // As soon as there are several, the scope is asked for first.
      if (name === 'FIRST') await workbench.quickInput.button('Another Scope…');
      await workbench.quickInput.pick('user (all workspaces)');
      await titled(workbench, 'Add Secret to user (all workspaces)');
      await workbench.quickInput.text(name);
      await giveValue(workbench, `Add Secret user/${name}`, tokenCanary('shared_'));
      await workbench.views.waitForRow('Secrets', name);
    }
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  const damage = async (...names: string[]): Promise<void> => {
    for (const name of names) await writeFile(join(shared, name), 'damaged');
  };

  async function check(): Promise<void> {
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Check All Secrets');
  }

  it('says which vault it is', async () => {
    await damage('vault.store');
    await viewSays(workbench, 'Secrets', /^The stored vault of the scope "user" cannot be read/);
  });

  it('is the one that is recovered, without a question which', async () => {
    await check();
    await workbench.notificationButton('The stored vault of the scope "user" cannot be read', 'Recover…');
    assert.match(await workbench.dialogText(), /Recover the vault of the scope "user"\?/);
    await workbench.screenshot('user-1-recover');
    await workbench.dialogButton('Recover');
    await workbench.notifications('1 secret can be used.');
    await workbench.views.waitForRow('Secrets', 'FIRST');
  });

  it('is the one that is moved aside; that of the workspace stays as it is', async () => {
    await damage('vault.store', 'vault.store.previous');
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Recover Vault…');
    await workbench.dialogButton('Recover');
    await workbench.notificationButton('Neither the stored vault of the scope "user" nor the state before its last change', 'Start Fresh…');
    assert.match(await workbench.dialogText(), /Begin a new vault of the scope "user"\?/);
    await workbench.dialogButton('Start Fresh');
    await workbench.notifications('The vault was moved to ');
    const archives = async (folder: string): Promise<number> =>
      (await readdir(folder)).filter((name) => name.startsWith('vault.archived-')).length;
    assert.deepEqual([await archives(shared), await archives(storage)], [1, 0]);
    assert.ok(existsSync(join(storage, 'vault.store')));
    await check();
    await workbench.notifications('All 1 secret open');
  });
});
