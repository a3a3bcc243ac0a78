import assert from 'node:assert/strict';
import type { Workbench } from '../host/workbench';
import { titled } from './support/actions';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

/** What VS Code would make a link of that runs a command, with a space in place of what makes it one. */
const LINK = '[Review now](command:workbench.action.files.newUntitledFile)';
const SHOWN = LINK.replace('](', '] (');

describe('text of servers and files that would be a link', () => {
  const session = new Session();
  let workbench: Workbench;

  before(async function () {
    this.timeout(600_000);
    await session.start({}, (workspace) => writeServersFile(workspace, { servers: { github: { url: 'https://a.example/mcp' } } }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await described(workbench, 'Servers', 'github', /^http /);
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  it('is no link below an input box, and no icon in a list', async () => {
    await workbench.runCommand('MCP Secrets: Explain Call');
    await titled(workbench, 'Explain Call');
    await workbench.quickInput.pick('github');
    await workbench.quickInput.pick('Another Tool…');
    await workbench.quickInput.message('The name of the tool');
    await workbench.quickInput.text(`$(check) ${LINK}`);
    assert.match(await workbench.quickInput.message('The arguments of'), /of \$ \(check\) \[Review now\] \(command:/);
    assert.equal(await workbench.page.locator('.quick-input-message a').count(), 0);
    await workbench.screenshot('foreign-1-prompt');
    await workbench.quickInput.cancel();
  });

  it('is no link in a notification', async () => {
    await writeServersFile(session.workspace, { servers: {}, [LINK]: 1 });
    await described(workbench, 'Servers', 'mcp-secrets.json', /Unknown field/);
    await workbench.runCommand('MCP Secrets: Approve Server');
    await workbench.notifications(`Unknown field "${SHOWN}".`);
    assert.equal(await workbench.page.locator('.notification-list-item-message a').count(), 0);
    await workbench.screenshot('foreign-2-notification');
  });
});
