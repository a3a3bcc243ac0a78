import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import type { Workbench } from '../host/workbench';
import { addSecret, titled } from './support/actions';
import { tokenCanary } from './support/canary';
import { chooseFile } from './support/files';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { statusIs, storageOf } from './support/vault';
import { described } from './support/views';

describe('a backup to age recipients, for a vault whose key is lost', () => {
  const session = new Session();
  let workbench: Workbench;
  let identityFile = '';
  let recipient = '';
  let file = '';

  before(async function () {
    this.timeout(600_000);
    await session.start({ keepsSecrets: false });
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    const identity = await generateIdentity();
    recipient = await identityToRecipient(identity);
    const folder = join(session.workspace, '..');
    identityFile = join(folder, 'identity.txt');
    file = join(folder, 'to-recipients.age');
    await writeFile(identityFile, `# made by a test\n${identity}\n`, { mode: 0o600 });
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  it('says which recipient is wrong while it is typed, never what it was', async () => {
    await addSecret(workbench, 'GITHUB_TOKEN', tokenCanary('ghp_'));
    await workbench.runCommand('MCP Secrets: Create Backup…');
    await titled(workbench, 'Create Backup');
    await workbench.quickInput.pick('To age recipients');
    await workbench.quickInput.message('One or more age recipients');
    await workbench.quickInput.type(`${recipient} AGE-SECRET-KEY-1ABC`);
    const message = await workbench.quickInput.message('Recipient 2 cannot be used: it is an identity, the half to keep secret');
    assert.ok(!message.includes('1ABC'), message);
    await workbench.screenshot('backup-8-recipients');
    await workbench.quickInput.type(`${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`);
    await workbench.quickInput.message('Recipient 1 cannot be used');
    await workbench.quickInput.text(recipient);
    await chooseFile(workbench, 'Create Backup', file);
    await workbench.notifications('to-recipients.age holds 1 secret with 1 version.');
    await workbench.clearNotifications();
  });

  it('is restored with the identity, into a new vault: the one that cannot be opened is moved aside', async () => {
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 /);
    const storage = await storageOf(session);
    await session.window.reload();
    await workbench.views.open('MCP Secrets');
    await statusIs(workbench, 'MCP Secrets: Key Lost');
    await workbench.runCommand('MCP Secrets: Restore Backup…');
    await chooseFile(workbench, 'Restore Backup', file);
    await chooseFile(workbench, 'Restore Backup: Identity File', identityFile);
    await workbench.quickInput.pickMany(['GITHUB_TOKEN']);
    const question = await workbench.dialogText();
    assert.match(question, /Move the vault that cannot be opened aside\?/);
    await workbench.screenshot('backup-9-move-aside');
    await workbench.dialogButton('Move and Restore');
    await workbench.notifications('Restored 1 secret.');
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 · /);
    await statusIs(workbench, 'MCP Secrets: 1');
    assert.ok(
      (await readdir(storage)).some((name) => name.startsWith('vault.archived-')),
      'the old vault is not there',
    );
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Check All Secrets');
    await workbench.notifications('All 1 secret open');
  });
});
