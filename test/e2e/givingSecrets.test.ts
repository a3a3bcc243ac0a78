import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { nameSecret, rowAction, titled, titleOf } from './support/actions';
import { tokenCanary } from './support/canary';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

describe('giving secrets, and choosing how they are sent', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  let workbench: Workbench;

  before(async function () {
    this.timeout(600_000);
    const secrets = { GITHUB_TOKEN: { as: 'header', name: 'X-Team-Key', template: 'Token ${value}', tools: ['list_*'] } };
    await session.start({}, (workspace) => writeServersFile(workspace, { servers: { github: { url: 'https://a.example/mcp', secrets } } }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await described(workbench, 'Servers', 'github', /^http /);
  });

  after(() => session.dispose());

  inSteps((name) => workbench.screenshot(name));

  const clipboard = {
    read: async (): Promise<string> => String(await workbench.page.evaluate('navigator.clipboard.readText()')),
    write: async (text: string): Promise<void> => {
      await workbench.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
    },
  };

  async function addFromClipboard(): Promise<void> {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await nameSecret(workbench, 'GITHUB_TOKEN');
    await titled(workbench, 'Add Secret GITHUB_TOKEN');
    await workbench.quickInput.button('From Clipboard');
  }

  it('leaves a value in the clipboard that could not be kept', async () => {
    const large = 'x'.repeat(70_000);
    await clipboard.write(large);
    await addFromClipboard();
    await workbench.notifications('has 70000 bytes');
    assert.equal((await clipboard.read()).length, large.length);
    await workbench.clearNotifications();
  });

  it('takes a value out of the clipboard once it is kept', async () => {
    await clipboard.write(canary);
    await addFromClipboard();
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 · just now · github$/);
    await eventually('the clipboard is empty', async () => ((await clipboard.read()) === '' ? true : undefined));
  });

  /** What the servers file says of how the secret is sent. */
  async function written(): Promise<unknown> {
    const file = JSON.parse(await readFile(join(session.workspace, '.vscode', 'mcp-secrets.json'), 'utf8')) as {
      servers: { github: { secrets: { GITHUB_TOKEN: unknown } } };
    };
    return file.servers.github.secrets.GITHUB_TOKEN;
  }

  async function toModes(): Promise<void> {
    await rowAction(workbench, ['Servers', 'github', 'Choose Secrets'], titleOf(workbench, 'Choose Secrets for github'));
    await titled(workbench, 'Choose Secrets for github');
    await workbench.quickInput.pickMany(['GITHUB_TOKEN']);
    await titled(workbench, 'How github Receives Its Secrets');
    await workbench.quickInput.pick('GITHUB_TOKEN');
    await titled(workbench, 'How GITHUB_TOKEN Is Sent');
  }

  async function keep(): Promise<void> {
    await titled(workbench, 'How github Receives Its Secrets');
    await workbench.quickInput.pick('Keep these modes');
    await workbench.dialogButton('Cancel');
  }

  it('starts with how a secret is sent, and keeps which tools get it', async () => {
    await toModes();
    await workbench.quickInput.pick('Custom header…');
    await workbench.quickInput.message('The name of the header');
    assert.equal(await workbench.quickInput.value(), 'X-Team-Key');
    await workbench.quickInput.text('X-Other-Key');
    await workbench.quickInput.message('What is sent');
    assert.equal(await workbench.quickInput.value(), 'Token ${value}');
    await workbench.page.keyboard.press('Enter');
    await keep();
    assert.deepEqual(await written(), { as: 'header', name: 'X-Other-Key', template: 'Token ${value}', tools: ['list_*'] });
  });

  it('keeps which tools get it in another mode', async () => {
    await toModes();
    await workbench.quickInput.pick('bearer');
    await keep();
    assert.deepEqual(await written(), { as: 'bearer', tools: ['list_*'] });
  });
});
