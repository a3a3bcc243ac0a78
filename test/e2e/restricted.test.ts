import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, uiLimitMs } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { statusIs } from './support/vault';
import { rowOf, welcomes } from './support/views';

const untrusted = 'This workspace is in Restricted Mode. Trust it to use secrets and servers ("Workspaces: Manage Workspace Trust").';
const noFolder = 'MCP Secrets keeps secrets per workspace. Open a folder first.';

describe('Restricted Mode', () => {
  const session = new Session();
  let workbench: Workbench;
  let started = '';

  before(async function () {
    this.timeout(600_000);
    await session.start({ trust: false }, async (workspace) => {
      started = join(workspace, 'started');
      await writeServersFile(workspace, {
        servers: { local: { command: 'node', args: ['-e', `require('fs').writeFileSync(${JSON.stringify(started)}, '')`] } },
      });
    });
    workbench = session.workbench;
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  /** What VS Code's own list of MCP servers shows. */
  async function offeredServers(): Promise<string[]> {
    await workbench.runCommand('MCP: List Servers');
    const labels = await workbench.quickInput.labels();
    await workbench.quickInput.cancel();
    return labels;
  }

  it('says in the views what it needs', async () => {
    await workbench.views.open('MCP Secrets');
    await welcomes(workbench, 'Secrets', /This workspace is in Restricted Mode: .*before you trust it\.[^]*Manage Workspace Trust/);
    await rowOf(workbench, 'Servers', 'local');
    await statusIs(workbench, 'MCP Secrets: Restricted');
    await workbench.screenshot('restricted-1-views');
  });

  for (const command of ['Add Secret', 'Add Server', 'Start Server', 'Approve Server', 'Copy MCP Configuration']) {
    it(`says what "${command}" needs`, async () => {
      await workbench.runCommand(`MCP Secrets: ${command}`);
      await workbench.notifications(untrusted);
      assert.ok(!(await workbench.quickInput.isOpen()), 'it asks for something all the same');
      await workbench.screenshot('restricted-2-command');
      await workbench.clearNotifications();
    });
  }

  it('offers no server to VS Code, and starts nothing', async () => {
    // The list fills while it is open, and when it is opened again.
    let before = '';
    const labels = await eventually('the list stays as it is', async () => {
      const now = await offeredServers();
      const isSame = now.join() === before;
      before = now.join();
      if (!isSame) await workbench.page.waitForTimeout(1_000);
      return isSame ? now : undefined;
    });
    assert.ok(!labels.includes('local'), labels.join());
    assert.ok(!existsSync(started));
  });

  it('works as soon as the folder is trusted', async () => {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await workbench.notificationButton(untrusted, 'Manage Workspace Trust');
    await workbench.page.getByRole('button', { name: 'Trust', exact: true }).first().click();
    await welcomes(workbench, 'Secrets', /There are no secrets in this workspace yet\./);
    await workbench.page.getByText('Restricted Mode: trust this workspace').waitFor({ state: 'detached', timeout: uiLimitMs });
    await workbench.screenshot('restricted-3-trusted');
    await eventually('the server is offered', async () => ((await offeredServers()).includes('local') ? true : undefined));
    assert.ok(!existsSync(started), 'it was started before it was approved');
  });
});

describe('a window without a folder', () => {
  const session = new Session();
  let workbench: Workbench;

  before(async function () {
    this.timeout(600_000);
    await session.start({ workspace: '' });
    workbench = session.workbench;
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  it('says in the views what it needs', async () => {
    await workbench.views.open('MCP Secrets');
    await welcomes(workbench, 'Secrets', /Secrets are kept per workspace\. Open a folder to keep some here\.[^]*Open Folder/);
    await welcomes(workbench, 'Servers', /Servers belong to a workspace\. Open a folder first\./);
    await welcomes(workbench, 'Activity', /Open a folder first\./);
    assert.doesNotMatch((await workbench.statusBarText()).join(' | '), /MCP Secrets/);
    await workbench.screenshot('no-folder-1-views');
  });

  for (const command of ['Add Secret', 'Add Server', 'Start Server', 'Open Servers File']) {
    it(`says what "${command}" needs`, async () => {
      await workbench.runCommand(`MCP Secrets: ${command}`);
      await workbench.notifications(noFolder);
      assert.ok(!(await workbench.quickInput.isOpen()), 'it asks for something all the same');
      await workbench.clearNotifications();
    });
  }
});
