import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { addSecret, ask, dialogOf, giveValue, replaceSecret, rowAction, titled, titleOf } from './support/actions';
import { holdsAny, tokenCanary } from './support/canary';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { credentialProof, issueTracker } from './support/issueTracker';
import { writeServersFile } from './support/serversFile';
import { pictures } from './support/pictures';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { storageOf } from './support/vault';
import { described, rowOf } from './support/views';

const work = { first: tokenCanary('ghp_'), second: tokenCanary('ghp_') };
const personal = tokenCanary('ghp_');
const canaries = [work.first, work.second, personal];

describe('versions, scopes and expiry, as a user sees them', () => {
  const session = new Session();
  let workbench: Workbench;
  let upstream: HttpUpstream;
  let openedAt = 0;

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(() =>
      issueTracker('github', 'list_issues', (headers) => {
        const value = (headers as Record<string, unknown> | undefined)?.authorization;
        return typeof value === 'string' ? value.replace(/^Bearer /, '') : undefined;
      }),
    );
    const github = { type: 'http', url: upstream.url, secrets: { GITHUB_TOKEN: 'bearer' } };
    await session.start({}, (workspace) => writeServersFile(workspace, { servers: { github } }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    openedAt = Date.now();
  });

  after(async () => {
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  /** A call of the agent, and whether the server got this value. */
  async function receives(value: string, words: string, asksFirst = false): Promise<void> {
    const result = await ask(session, words, { tool: 'list_issues', input: { query: 'x' }, words: `Done: ${words}` }, asksFirst);
    assert.ok(result.includes(credentialProof(value)), 'the server got another value');
  }

  it('shows the versions of a secret below it', async () => {
    await addSecret(workbench, 'GITHUB_TOKEN', work.first);
    await replaceSecret(workbench, 'GITHUB_TOKEN', work.second);
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v2 · just now · github$/);
    await workbench.views.expand('Secrets', 'GITHUB_TOKEN');
    await described(workbench, 'Secrets', 'v2', /^current · set (?:just now|\d minutes? ago)$/);
    await described(workbench, 'Secrets', 'v1', /^set (?:just now|\d minutes? ago)$/);
    assert.match((await rowOf(workbench, 'Secrets', 'v1')).ariaLabel, /^Version 1 of GITHUB_TOKEN, set (?:just now|\d minutes? ago)$/);
    await workbench.runCommand('MCP Secrets: Approve Server');
    await workbench.quickInput.pick('github');
    await workbench.dialogButton('Approve');
    await described(workbench, 'Servers', 'github', / ready /);
    await workbench.chat.open();
    await receives(work.second, 'Which issues are open?', true);
  });

  it('rolls a secret back in one step, and the next call has the earlier value', async () => {
    await workbench.views.itemMenu('Secrets', 'GITHUB_TOKEN', 'Roll Back Secret…');
    const question = await workbench.dialogText();
    await workbench.screenshot('secrets-1-rollback-dialog');
    assert.match(question, /Roll GITHUB_TOKEN back from v2 to v1\?/);
    assert.match(question, /The value of v1 \(set .*\) becomes current again, as v3\. v2 \(set .*\) stays/);
    assert.match(question, /github will receive it/);
    await workbench.dialogButton('Roll Back');
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v3 · just now · github$/);
    await described(workbench, 'Secrets', 'v3', /^current · set just now$/);
    await pictures(workbench, 'secrets-2-rolled-back');
    await receives(work.first, 'And now?');
  });

  it('rolls back to a version that is chosen in the tree; Cancel changes nothing', async () => {
    await rowAction(workbench, ['Secrets', 'v2', 'Roll Back Secret'], dialogOf(workbench));
    assert.match(await workbench.dialogText(), /Roll GITHUB_TOKEN back from v3 to v2\?/);
    await workbench.dialogButton('Cancel');
    await rowAction(workbench, ['Secrets', 'v2', 'Roll Back Secret'], dialogOf(workbench));
    await workbench.dialogButton('Roll Back');
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v4 · just now · github$/);
    await receives(work.second, 'And with the second one?');
  });

  it('destroys earlier versions after it has named them', async () => {
    await workbench.views.itemMenu('Secrets', 'GITHUB_TOKEN', 'Destroy Earlier Versions…');
    const question = await workbench.dialogText();
    assert.match(question, /Destroy 3 earlier versions of GITHUB_TOKEN\?/);
    for (const version of ['v1', 'v2', 'v3']) assert.ok(question.includes(`${version} (set `), question);
    await workbench.dialogButton('Destroy');
    await workbench.views.waitForNoRow('Secrets', 'v3');
    await described(workbench, 'Secrets', 'v4', /^current · /);
  });

  it('adds a secret to a new scope', async () => {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await titled(workbench, 'Add Secret');
    await workbench.quickInput.button('Another Scope…');
    await workbench.quickInput.pick('New scope…');
    await workbench.quickInput.message('The name of the new scope');
    await workbench.quickInput.text('github-personal');
    await titled(workbench, 'Add Secret to github-personal');
    await workbench.quickInput.text('GITHUB_TOKEN');
    await giveValue(workbench, 'Add Secret github-personal/GITHUB_TOKEN', personal);
    await described(workbench, 'Secrets', 'github-personal', /^1 secret · not used by a server$/);
    await described(workbench, 'Secrets', 'workspace', /^1 secret · used by github$/);
    await receives(work.second, 'Still the same?');
  });

  it('switches a server to another scope in one step, at once', async () => {
    await workbench.views.itemMenu('Servers', 'github', "Switch Server's Scope…");
    await titled(workbench, 'Switch Scope of github');
    assert.deepEqual(await workbench.quickInput.labels(), ['workspace', 'github-personal']);
    await workbench.screenshot('secrets-3-switch-scope');
    await workbench.quickInput.pick('github-personal');
    await described(workbench, 'Servers', 'github', / · 1 secret · scope github-personal$/);
    await described(workbench, 'Secrets', 'github-personal', /^1 secret · used by github$/);
    await described(workbench, 'Secrets', 'workspace', /^1 secret · not used by a server$/);
    await pictures(workbench, 'secrets-4-scopes');
    await receives(personal, 'And as myself?');
  });

  it('marks secrets that expire soon, have expired or are due', async function () {
    this.timeout(600_000);
    // What a window sees when it looks for the first time, after 30 s, it speaks of, and then not again for a day.
    await eventually('the window has looked', () => Promise.resolve(Date.now() - openedAt > 35_000 || undefined), 60_000);
    await setExpiry('github-personal', 'GITHUB_TOKEN', '3d', 'Never');
    await addTo('github-personal', 'EXPIRED_TOKEN');
    await setExpiry('', 'EXPIRED_TOKEN', '1m', 'Every 90 days');
    await addTo('github-personal', 'ROTATED_TOKEN');
    await setExpiry('', 'ROTATED_TOKEN', 'Never', '1m');
    await eventually(
      'a minute has passed',
      async () => {
        await workbench.runCommand('MCP Secrets: Refresh');
        const { description } = await rowOf(workbench, 'Secrets', 'ROTATED_TOKEN');
        return description.startsWith('due for rotation') ? true : undefined;
      },
      120_000,
    );
    await described(workbench, 'Secrets', 'EXPIRED_TOKEN', /^expired (?:just now|\d minutes? ago) · v1 · /);
    for (const [name, badge] of [
      ['EXPIRED_TOKEN', 'E'],
      ['ROTATED_TOKEN', 'R'],
    ] as const) {
      await eventually(`${name} has its badge`, async () =>
        (await workbench.views.decoration('Secrets', name)) === badge ? true : undefined,
      );
    }
    assert.match((await rowOf(workbench, 'Secrets', 'EXPIRED_TOKEN')).ariaLabel, /^Secret github-personal\/EXPIRED_TOKEN, expired /);
    await eventually('the icon counts them', async () => ((await workbench.views.badge('MCP Secrets')) === '2' ? true : undefined));
    await pictures(workbench, 'secrets-5-expiry');
  });

  it('deletes a scope after it has named its secrets and who uses them', async () => {
    await workbench.views.itemMenu('Secrets', 'github-personal', 'Delete Scope…');
    const question = await workbench.dialogText();
    await workbench.screenshot('secrets-6-delete-scope');
    assert.match(question, /Delete the scope github-personal with its 3 secrets\?/);
    for (const name of ['EXPIRED_TOKEN', 'GITHUB_TOKEN', 'ROTATED_TOKEN']) assert.ok(question.includes(name), question);
    assert.match(question, /Calls of github will fail/);
    await workbench.dialogButton('Cancel');
    await workbench.views.waitForRow('Secrets', 'EXPIRED_TOKEN');
  });

  it('reminds of them after the next start, until it is told to stop', async () => {
    await session.window.reload();
    const message = 'The secret github-personal/EXPIRED_TOKEN expired ';
    await eventually(
      'the reminder comes',
      async () => (await workbench.notifications()).some((text) => text.includes(message)) || undefined,
      90_000,
    );
    await workbench.screenshot('secrets-7-reminder');
    const all = await workbench.notifications('The secret github-personal/ROTATED_TOKEN is due for rotation');
    assert.ok(
      all.some((text) => text.includes('GITHUB_TOKEN expires in 3 days')),
      all.join(' | '),
    );
    assert.ok(!holdsAny(all.join(), canaries));
    await workbench.notificationButton(message, 'Do Not Show Again');
  });

  it('replaces the key of the secrets that all workspaces share, and of those only', async () => {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await titled(workbench, 'Add Secret');
    await workbench.quickInput.pick('user (all workspaces)');
    await titled(workbench, 'Add Secret to user (all workspaces)');
    await workbench.quickInput.text('SHARED_TOKEN');
    await giveValue(workbench, 'Add Secret user/SHARED_TOKEN', tokenCanary('tok_'));
    await described(workbench, 'Secrets', 'user (all workspaces)', /^1 secret · /);
    const before = await keyIds();
    await workbench.runCommand('MCP Secrets: Replace Key…');
    await titled(workbench, 'Replace Key');
    await workbench.quickInput.pick('All workspaces');
    await workbench.dialogButton('Replace Key');
    await eventually('there is another key', async () => ((await keyIds()).shared === before.shared ? undefined : true));
    assert.equal((await keyIds()).own, before.own);
    await workbench.runCommand('MCP Secrets: Check All Secrets');
    await workbench.notifications('open, with all their versions');
  });

  /** The ids of the keys of both vaults. */
  async function keyIds(): Promise<{ own: string; shared: string }> {
    const own = await storageOf(session);
    const shared = join(own, '..', '..', '..', 'globalStorage', 'mcp-secrets.mcp-secrets', 'user');
    const idIn = async (folder: string): Promise<string> =>
      /"keyId":"([^"]+)"/.exec(await readFile(join(folder, 'vault.store'), 'utf8'))?.[1] ?? '';
    return { own: await idIn(own), shared: await idIn(shared) };
  }

  /** Adds a secret to a scope by its item in the tree. */
  async function addTo(scope: string, name: string): Promise<void> {
    await rowAction(workbench, ['Secrets', scope, 'Add Secret'], titleOf(workbench, `Add Secret to ${scope}`));
    await titled(workbench, `Add Secret to ${scope}`);
    await workbench.quickInput.text(name);
    await giveValue(workbench, `Add Secret ${scope}/${name}`, tokenCanary('tok_'));
    await workbench.views.waitForRow('Secrets', name);
  }

  /** Sets the dates of a secret: by its item, or by the palette where several have this name. Spans go into the input box. */
  async function setExpiry(scope: string, name: string, expires: string, rotate: string): Promise<void> {
    const { quickInput, views } = workbench;
    if (scope === '') await views.itemMenu('Secrets', name, 'Set Expiry and Rotation…');
    else {
      await workbench.runCommand('MCP Secrets: Set Expiry and Rotation…');
      await titled(workbench, 'Set Expiry');
      await quickInput.type(scope);
      await quickInput.pick(name);
    }
    await choose(expires, 'On a date…', 'The last day on which it is valid');
    await choose(rotate, 'Another span…', 'How often it should get a new value:');
    await eventually('the questions are over', async () => ((await quickInput.isOpen()) ? undefined : true));
    if (expires === 'Never') return;
    await eventually('the date is shown', async () => {
      const rows = await views.rows('Secrets');
      return rows.some(({ label, description }) => label === name && description.startsWith('expires')) ? true : undefined;
    });
  }

  async function choose(answer: string, other: string, prompt: string): Promise<void> {
    const { quickInput } = workbench;
    const isSpan = /^\d/.test(answer);
    await quickInput.pick(isSpan ? other : answer);
    if (!isSpan) return;
    await quickInput.message(prompt);
    await quickInput.text(answer);
  }
});
