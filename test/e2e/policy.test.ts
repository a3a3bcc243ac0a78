import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import assert from 'node:assert/strict';
import { z } from 'zod';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { addSecret, ask, confirmed, titled } from './support/actions';
import { holdsAny, tokenCanary } from './support/canary';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { pictures } from './support/pictures';
import { writeServersFile } from './support/serversFile';
import { Session } from './support/session';
import { inSteps } from './support/steps';
import { described } from './support/views';

/** A server whose tools say what they did. */
function tracker(): McpServer {
  const server = new McpServer({ name: 'github', version: '1.0.0' });
  for (const name of ['list_issues', 'delete_issue', 'close_issue', 'wipe'])
    server.registerTool(name, { description: `${name} in github`, inputSchema: { title: z.string() } }, ({ title }) => ({
      content: [{ type: 'text', text: `${name} has run: ${title}` }],
    }));
  return server;
}

describe('what an agent may do', () => {
  const session = new Session();
  const canary = tokenCanary('ghp_');
  let workbench: Workbench;
  let upstream: HttpUpstream;

  before(async function () {
    this.timeout(600_000);
    upstream = await startHttpUpstream(tracker);
    const policy = {
      rules: [
        { tools: ['delete_*', 'close_*'], action: 'ask' },
        { tools: 'wipe', action: 'deny', reason: 'Not in this project.' },
      ],
    };
    const servers = { github: { url: upstream.url, policy, secrets: { GITHUB_TOKEN: { as: 'bearer', tools: ['list_*'] } } } };
    await session.start({}, (workspace) => writeServersFile(workspace, { servers }));
    workbench = session.workbench;
    await workbench.views.open('MCP Secrets');
    await addSecret(workbench, 'GITHUB_TOKEN', canary);
  });

  after(async () => {
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  const calls = (): number => upstream.received.filter(({ method }) => method === 'tools/call').length;

  let turns = 0;

  /** Has the agent call a tool that is asked about. @returns the dialog's text and, once it was answered, the result. */
  async function asked(tool: string, title: string, answer: (text: string) => Promise<unknown>, asksFirst = false): Promise<string> {
    turns += 1;
    const turn = { tool, input: { title }, words: `That was number ${String(turns)}.` };
    const result = ask(session, `Number ${String(turns)}, please.`, turn, asksFirst);
    result.catch(() => undefined);
    await answer(await workbench.dialogText());
    return result;
  }

  it('is part of the plan that is approved', async () => {
    await workbench.runCommand('MCP Secrets: Approve Server');
    await titled(workbench, 'Approve Server');
    await workbench.quickInput.pick('github');
    const plan = await workbench.dialogText();
    await workbench.screenshot('policy-1-plan');
    assert.ok(plan.includes('Rule 1: ask delete_* | close_*'), plan);
    assert.ok(plan.includes('Rule 2: deny wipe, because "Not in this project."'), plan);
    assert.ok(plan.includes('Secret: GITHUB_TOKEN as bearer token, only for list_*'), plan);
    await workbench.dialogButton('Approve');
    await described(workbench, 'Servers', 'github', /^http · ready · 1 secret$/);
    await workbench.chat.open();
  });

  it('is shown with who, what and which arguments; what has the focus does nothing', async () => {
    const result = await asked(
      'delete_issue',
      'first \u202Eissue',
      async (text) => {
        await workbench.screenshot('policy-2-ask-dark');
        assert.ok(text.includes('May the agent "VS Code" call the tool "delete_issue" of server "github"?'), text);
        assert.ok(text.includes('Rule 1: ask delete_* | close_*'), text);
        assert.ok(text.includes('"title": "first \\u202eissue"'), text);
        const buttons = (await workbench.dialogButtons()).sort();
        assert.deepEqual(buttons, ['Allow Once', 'Allow in This Session', 'Always Allow', 'Cancel', "Don't Allow"]);
        const focused = String(await workbench.page.evaluate('document.activeElement.textContent'));
        assert.equal(focused.trim(), "Don't Allow");
        await workbench.page.keyboard.press('Enter');
      },
      true,
    );
    assert.match(result, /The user did not allow this call of the tool "delete_issue".*Nothing was sent/);
    assert.equal(calls(), 0);
    await described(workbench, 'Activity', 'delete_issue', /^github · VS Code · .*callDeclined/);
  });

  it('is allowed once, and asked about again', async () => {
    await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
    assert.match(await asked('delete_issue', 'second', () => workbench.dialogButton('Allow Once')), /delete_issue has run: second/);
    const result = await asked('delete_issue', 'third', async () => {
      await workbench.screenshot('policy-3-ask-light');
      await workbench.dialogButton('Cancel');
    });
    assert.match(result, /did not allow/);
    assert.equal(calls(), 1);
    await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
  });

  it('is allowed in a session, for this tool only', async () => {
    assert.match(await asked('delete_issue', 'fourth', () => workbench.dialogButton('Allow in This Session')), /has run: fourth/);
    const again = await ask(session, 'Again.', { tool: 'delete_issue', input: { title: 'fifth' }, words: 'Done again.' }, false);
    assert.match(again, /has run: fifth/);
    const other = await asked('close_issue', 'sixth', () => workbench.dialogButton("Don't Allow"), true);
    assert.match(other, /did not allow/);
  });

  it('is always allowed until that is taken back', async () => {
    assert.match(await asked('close_issue', 'seventh', () => workbench.dialogButton('Always Allow')), /has run: seventh/);
    await confirmed(workbench, 'Such calls need your consent again', async () => {
      await workbench.runCommand('MCP Secrets: Take Back Consent to Calls…');
      await titled(workbench, 'Take Back Consent to Calls');
      assert.deepEqual(await workbench.quickInput.labels(), ['close_issue']);
      await workbench.screenshot('policy-4-consent');
      await workbench.quickInput.pickMany(['close_issue']);
    });
    assert.match(await asked('close_issue', 'eighth', () => workbench.dialogButton("Don't Allow")), /did not allow/);
  });

  it('is denied without a question where the policy says so', async () => {
    const turn = { tool: 'wipe', input: { title: 'all' }, words: 'I may not.' };
    const result = await ask(session, 'Wipe it.', turn);
    assert.match(result, /does not allow the tool "wipe" \(its rule 2\): "Not in this project\."/);
    await described(workbench, 'Activity', 'wipe', /^github · VS Code · .*policyDenied/);
  });

  it('is no sending of secrets', async () => {
    const turn = { tool: 'list_issues', input: { title: `token ${canary}` }, words: 'It was stopped.' };
    const before = calls();
    const result = await ask(session, 'List them.', turn);
    assert.match(result, /holds the value of the secret GITHUB_TOKEN/);
    assert.equal(calls(), before);
    await described(workbench, 'Activity', 'Secret in a message', /github · VS Code/);
    await workbench.screenshot('policy-5-guard');
    assert.ok(!holdsAny(JSON.stringify(upstream.received), [canary]));
  });

  it('is explained without being done', async () => {
    const before = upstream.received.length;
    await workbench.runCommand('MCP Secrets: Explain Call…');
    await titled(workbench, 'Explain Call');
    await workbench.quickInput.pick('github');
    await workbench.quickInput.pick('delete_issue');
    await workbench.quickInput.message('The arguments of delete_issue, as JSON');
    await workbench.quickInput.text('{"title":"x"}');
    const text = await eventually('the explanation is shown', async () => {
      const lines = workbench.page.locator('.editor-group-container .monaco-editor .view-lines').first();
      const shown = (await lines.innerText()).replace(/\u00a0/g, ' ');
      return shown.includes('What the server would receive') ? shown : undefined;
    });
    for (const part of ['Agent: VS Code', 'Rule 1: ask delete_*', `POST ${upstream.url}`, '"name": "delete_issue"'])
      assert.ok(text.includes(part), text);
    assert.ok(!text.includes('[secret:GITHUB_TOKEN]'), 'the secret is for another tool');
    await pictures(workbench, 'policy-6-explain');
    assert.equal(upstream.received.length, before);
  });
});
