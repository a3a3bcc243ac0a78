import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import { Workbench } from '../host/workbench';
import { addSecret, ask, deleteSecret, titled } from './support/actions';
import { holdsAny, tokenCanary } from './support/canary';
import { chooseFile } from './support/files';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { issueTracker } from './support/issueTracker';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { storageOf, viewSays } from './support/vault';
import { described } from './support/views';

describe('the view Activity, as a user reads it', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  let workbench: Workbench;
  let upstream: HttpUpstream;

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(() =>
      issueTracker('github', 'list_issues', (headers) => {
        const value = (headers as Record<string, unknown> | undefined)?.authorization;
        return typeof value === 'string' ? value.replace(/^Bearer /, '') : undefined;
      }),
    );
    await session.start({}, (workspace) =>
      writeServersFile(workspace, { servers: { github: { type: 'http', url: upstream.url, secrets: { GITHUB_TOKEN: 'bearer' } } } }),
    );
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    // The view needs room: only rows on screen count.
    for (const view of ['Secrets', 'Servers']) await workbench.views.collapse(view);
    await workbench.chat.open();
  });

  after(async () => {
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  const labels = async (where = workbench): Promise<string[]> => (await where.views.rows('Activity')).map(({ label }) => label);
  const turn = (words: string): { tool: string; input: object; words: string } => ({ tool: 'list_issues', input: { query: 'x' }, words });

  const trail = async (): Promise<string> => join(await storageOf(session), 'audit.jsonl');

  it('shows calls and changes, newest first, and alerts of a call that was refused', async () => {
    await addSecret(workbench, 'GITHUB_TOKEN', canary);
    await workbench.clearNotifications();
    await workbench.runCommand('MCP Secrets: Approve Server');
    await titled(workbench, 'Approve Server');
    await workbench.quickInput.pick('github');
    await workbench.dialogButton('Approve');
    await described(workbench, 'Activity', 'Server approved', /github/);
    await ask(session, 'Which issues are open?', turn('One is open.'));
    await deleteSecret(workbench, 'GITHUB_TOKEN');
    await ask(session, 'And now?', turn('The secret is missing.'), false);
    const alert = 'A call by the agent "VS Code" to server "github" was refused (secretMissing).';
    await workbench.notifications(alert);
    await workbench.screenshot('activity-1-alert');
    await workbench.notificationButton(alert, 'Show Activity');
    await described(workbench, 'Activity', 'Alert: call refused', /^github · VS Code · /);
    const shown = (await labels()).filter((label) => label !== 'initialize');
    assert.deepEqual(shown.slice(0, 7), [
      'Alert: call refused',
      'list_issues',
      'Secret deleted',
      'list_issues',
      'Tools accepted',
      'Server approved',
      'Secret set',
    ]);
  });

  it('shows the details of an entry when it is opened', async () => {
    await workbench.views.expand('Activity', 'list_issues');
    await described(workbench, 'Activity', 'Reason', /^secretMissing$/);
    await described(workbench, 'Activity', 'Outcome', /^refused$/);
    await described(workbench, 'Activity', 'Agent', /^VS Code$/);
    await workbench.clearNotifications();
    await pictures(workbench, 'activity-2-details');
    await workbench.views.click('Activity', 'list_issues');
  });

  it('shows only what fits a filter, says so, and shows everything again', async () => {
    await workbench.views.viewAction('Activity', 'Filter Activity');
    await titled(workbench, 'Filter Activity');
    await workbench.screenshot('activity-3-filter');
    await workbench.quickInput.pickMany(['Calls', 'Succeeded', 'github']);
    await eventually('only the call that went well is left', async () => ((await labels()).join() === 'list_issues' ? true : undefined));
    await viewSays(workbench, 'Activity', /^Calls · Succeeded · github$/);
    await pictures(workbench, 'activity-4-filtered');
    await workbench.views.viewAction('Activity', 'Clear Activity Filter');
    await eventually('everything is there again', async () => ((await labels()).includes('Secret set') ? true : undefined));
  });

  it('shows what another window does', async () => {
    const page = await session.window.openWindow();
    const another = new Workbench(page);
    await another.views.open('MCP Secrets');
    await addSecret(another, 'FROM_ELSEWHERE', canary);
    // The other window stays open until then: closing it ends its extension host at once, whatever that is doing.
    await workbench.page.bringToFront();
    await described(workbench, 'Activity', 'Secret set', /^FROM_ELSEWHERE · /);
    await page.close();
  });

  it('exports what it shows as a table, for this user alone', async () => {
    const file = join(session.workspace, '..', 'trail.csv');
    await workbench.runCommand('MCP Secrets: Export Audit Trail…');
    await titled(workbench, 'Export Audit Trail');
    await workbench.quickInput.pick('CSV');
    await chooseFile(workbench, 'Export Audit Trail', file);
    await workbench.notifications('trail.csv holds ');
    const text = await readFile(file, 'utf8');
    assert.match(text, /^seq,time,actor,action,.*\r\n/);
    assert.match(text, /,call,VS Code,github,list_issues,/);
    assert.ok(!holdsAny(text, [canary]), 'it holds a value');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await described(workbench, 'Activity', 'Audit trail exported', /^just now$/);
    await workbench.clearNotifications();
  });

  it('finds the trail in order, and the first line that somebody has edited', async () => {
    await workbench.runCommand('MCP Secrets: Verify Audit Trail');
    const good = (await workbench.notifications('all in place')).find((text) => text.includes('all in place'));
    assert.match(good ?? '', /The audit trail has \d+ entries, all in place\./);
    await workbench.screenshot('activity-5-verified');
    await workbench.clearNotifications();

    const path = await trail();
    const text = await readFile(path, 'utf8');
    const lines = text.split('\n');
    const index = lines.findIndex((line) => line.includes('"secret.delete"'));
    const { seq } = JSON.parse(lines[index] ?? '') as { seq: number };
    await writeFile(path, text.replace('"secret.delete"', '"secret.set"'));
    await workbench.runCommand('MCP Secrets: Verify Audit Trail');
    const problem = `entry ${String(seq)} is not what was written`;
    await workbench.notifications(problem);
    await workbench.screenshot('activity-6-edited');
    await workbench.notificationButton(problem, 'Show File');
    await eventually('the cursor is on the line', async () =>
      (await workbench.statusBarText()).some((item) => item.startsWith(`Ln ${String(index + 1)},`)) ? true : undefined,
    );
    await writeFile(path, text);
  });
});
