import assert from 'node:assert/strict';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import { Workbench } from '../host/workbench';
import { addSecret, approve, replaceSecret, rowAction, titled } from './support/actions';
import { searchFiles, tokenCanary } from './support/canary';
import { chooseFile } from './support/files';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { issueTracker } from './support/issueTracker';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

const token = { first: tokenCanary('ghp_'), second: tokenCanary('ghp_'), third: tokenCanary('ghp_') };
const other = tokenCanary('lin_api_');
const passphrase = tokenCanary('pass-');
const canaries = [...Object.values(token), other, passphrase];

describe('a backup, restored in another folder', () => {
  const session = new Session();
  let workbench: Workbench;
  let second: Workbench;
  let upstream: HttpUpstream;
  let clone = '';
  let file = '';

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(() => issueTracker('github', 'list_issues', () => undefined));
    await session.start({}, (workspace) =>
      writeServersFile(workspace, { servers: { github: { type: 'http', url: upstream.url, secrets: { GITHUB_TOKEN: 'bearer' } } } }),
    );
    workbench = session.workbench;
    file = join(session.workspace, '..', 'web-shop.age');
    clone = join(session.workspace, '..', 'clone');
  });

  after(async () => {
    await session.dispose();
    await upstream.close();
  });

  inSteps(async (name) => {
    await workbench.screenshot(name);
    await second.screenshot(`${name}-second`);
  });

  async function openDialog(where: Workbench, path: string): Promise<void> {
    await chooseFile(where, 'Restore Backup', path);
    await titled(where, 'Restore Backup');
    await where.quickInput.message('The passphrase of the backup');
    assert.ok(await where.quickInput.isPassword());
  }

  it('is made with a passphrase that is typed twice, and says what it holds', async () => {
    await workbench.views.open('MCP Secrets');
    await addSecret(workbench, 'GITHUB_TOKEN', token.first);
    await replaceSecret(workbench, 'GITHUB_TOKEN', token.second);
    await addSecret(workbench, 'LINEAR_API_KEY', other);
    await described(workbench, 'Secrets', 'LINEAR_API_KEY', /^v1 /);

    await workbench.runCommand('MCP Secrets: Create Backup…');
    await titled(workbench, 'Create Backup');
    await workbench.screenshot('backup-1-how');
    await workbench.quickInput.pick('By passphrase');
    await titled(workbench, 'Create Backup (1/2)');
    await workbench.quickInput.type('short');
    await workbench.quickInput.message('At least 8 characters');
    await workbench.quickInput.text(passphrase);
    await titled(workbench, 'Create Backup (2/2)');
    assert.ok(await workbench.quickInput.isPassword());
    await workbench.quickInput.text(passphrase);
    await chooseFile(workbench, 'Create Backup', file);
    await workbench.notifications('web-shop.age holds 2 secrets with 3 versions and the servers file.');
    await workbench.screenshot('backup-2-made');

    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.match(await readFile(file, 'latin1'), /^age-encryption\.org\/v1\n-> scrypt /);
  });

  it('is offered where the same servers need secrets and there is no vault', async () => {
    await mkdir(clone);
    await cp(join(session.workspace, '.vscode'), join(clone, '.vscode'), { recursive: true });
    second = new Workbench(await session.window.openWindow(clone));
    await second.views.open('MCP Secrets');
    const offer = 'The servers of this folder need GITHUB_TOKEN, and there are no secrets here yet.';
    await second.notifications(offer);
    await second.screenshot('backup-3-offer');
    await second.notificationButton(offer, 'Restore Backup…');
    await openDialog(second, file);
  });

  it('asks again after a wrong passphrase', async () => {
    await second.quickInput.text('not the passphrase');
    await second.quickInput.message('It does not open with this passphrase');
    await second.screenshot('backup-4-wrong');
    await second.quickInput.text(passphrase);
  });

  it('shows what is in it, and takes over what is ticked', async () => {
    const title = await eventually('the preview', async () => {
      const text = await second.quickInput.title();
      return text.startsWith('Restore Backup: web-shop · ') ? text : undefined;
    });
    assert.match(title, /web-shop · .*\d/);
    await second.screenshot('backup-5-preview');
    await second.quickInput.pickMany(['GITHUB_TOKEN', 'LINEAR_API_KEY']);
    await second.notifications('Restored 2 secrets.');
    await described(second, 'Secrets', 'GITHUB_TOKEN', /^v2 · .* · github$/);
    await described(second, 'Secrets', 'LINEAR_API_KEY', /^v1 · /);
    await second.views.expand('Secrets', 'GITHUB_TOKEN');
    await described(second, 'Secrets', 'v1', /^set /);
    await pictures(second, 'backup-6-restored');
  });

  it('brings the value back, for a server that is approved here first', async () => {
    assert.equal(upstream.received.length, 0);
    await approve(second, 'github');
    await described(second, 'Servers', 'github', / ready /);
    await rowAction(second, ['Servers', 'github', 'Start Server'], () =>
      Promise.resolve(upstream.received.some(({ method }) => method === 'tools/list')),
    );
    const headers = new Set(upstream.received.map((request) => request.headers.authorization));
    assert.ok(headers.has(`Bearer ${token.second}`), 'the upstream did not receive the value');
  });

  it('leaves alone what was set later, unless that is ticked; servers of the backup are shown too', async () => {
    await workbench.page.bringToFront();
    await replaceSecret(workbench, 'GITHUB_TOKEN', token.third);
    await writeServersFile(session.workspace, { servers: {} });
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v3 · just now · not bound to a server$/);
    await workbench.runCommand('MCP Secrets: Restore Backup…');
    await openDialog(workbench, file);
    await workbench.quickInput.text(passphrase);
    await eventually('the preview', async () =>
      (await workbench.quickInput.title()).startsWith('Restore Backup: web-shop') ? true : undefined,
    );
    assert.deepEqual(await workbench.quickInput.labels(), ['GITHUB_TOKEN', 'LINEAR_API_KEY', 'github']);
    const ticked = await workbench.page.locator('.quick-input-widget .monaco-list-row[aria-checked=true] .label-name').allInnerTexts();
    assert.deepEqual(
      ticked.map((text) => text.trim()),
      ['github'],
    );
    await workbench.screenshot('backup-7-older');
    await workbench.quickInput.pickMany(['github']);
    await workbench.notifications('Restored 1 server. Servers from a backup must be approved before they are used.');
    await described(workbench, 'Servers', 'github', /^http · needs approval · 1 secret$/);
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v3 · .* · github$/);
  });

  it('leaves no value and no passphrase in any file', async () => {
    await session.window.stop();
    for (const folder of [session.window.root, join(session.workspace, '..')])
      assert.deepEqual(await searchFiles(folder, { values: canaries }), []);
  });
});
