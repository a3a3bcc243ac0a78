import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workbench } from '../host/workbench';
import { addSecret } from './support/actions';
import { tokenCanary } from './support/canary';
import { pictures } from './support/pictures';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { statusIs, storageOf, viewSays } from './support/vault';
import { described, welcomes } from './support/views';

describe('a vault whose key is gone, because the secret storage keeps nothing', () => {
  const session = new Session();
  let workbench: Workbench;
  let storage: string;

  before(async function () {
    this.timeout(600_000);
    await session.start({ keepsSecrets: false });
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  it('says so after a restart, shows what was in it, and touches nothing', async () => {
    await addSecret(workbench, 'TOKEN', tokenCanary('ghp_'));
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
    storage = await storageOf(session);
    await session.window.reload();
    await workbench.views.open('MCP Secrets');
    await statusIs(workbench, 'MCP Secrets: Key Lost');
    await viewSays(workbench, 'Secrets', /^The key of this vault is gone, so these secrets cannot be opened\.$/);
    await described(workbench, 'Secrets', 'TOKEN', /^cannot be opened · v1 · /);
    await pictures(workbench, 'key-lost-1');
    await workbench.runCommand('MCP Secrets: Add Secret');
    await workbench.notifications(
      'The key of this vault is gone, so its secrets cannot be opened. Put the key back if you have it. Else first move the vault aside',
    );
    await workbench.screenshot('key-lost-2-refused');
  });

  it('offers to restore a backup, and Escape leaves everything as it is', async () => {
    await workbench.views.viewAction('Secrets', 'Restore Backup');
    await workbench.page.locator('.quick-input-widget').waitFor();
    await workbench.quickInput.cancel();
    await statusIs(workbench, 'MCP Secrets: Key Lost');
  });

  it('starts fresh after a question: the vault is moved aside, not deleted', async () => {
    await workbench.notificationButton('The key of this vault is gone', 'Start Fresh…');
    const question = await workbench.dialogText();
    await workbench.screenshot('key-lost-3-start-fresh');
    assert.match(question, /Begin a new vault\?/);
    assert.match(question, /The vault is moved aside, not deleted\./);
    await workbench.dialogButton('Cancel');
    await statusIs(workbench, 'MCP Secrets: Key Lost');
    await workbench.views.viewAction('Secrets', 'Start Fresh');
    await workbench.dialogButton('Start Fresh');
    await workbench.notifications('The vault was moved to ');
    await welcomes(workbench, 'Secrets', /There are no secrets in this workspace yet/);
    const archive = (await readdir(storage)).find((name) => name.startsWith('vault.archived-'));
    assert.ok(archive !== undefined);
    const archived = await readdir(join(storage, archive), { recursive: true });
    assert.ok(archived.includes('vault.store') && archived.some((name) => name.startsWith('vault.parts/')), archived.join());
  });

  it('a new secret works', async () => {
    await addSecret(workbench, 'TOKEN', tokenCanary('ghp_'));
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · just now/);
    await statusIs(workbench, 'MCP Secrets: 1');
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Check All Secrets');
    await workbench.notifications('All 1 secret open');
  });

  it('refuses to start fresh where nothing is wrong', async () => {
    await workbench.runCommand('MCP Secrets: Start Fresh…');
    await workbench.notifications('The vault can be opened, so there is no need for a new one.');
    await described(workbench, 'Secrets', 'TOKEN', /^v1 · /);
  });
});
