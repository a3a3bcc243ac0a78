import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../host/eventually';
import type { Workbench } from '../host/workbench';
import { ask, beginServer, giveValue, nameSecret, replaceSecret, titled } from './support/actions';
import { browserStorage } from './support/browserStorage';
import { holdsAny, searchFiles, tokenCanary } from './support/canary';
import type { HttpUpstream } from './support/httpUpstream';
import { startHttpUpstream } from './support/httpUpstream';
import { credentialProof, issueTracker } from './support/issueTracker';
import { takePicture } from './support/picture';
import { Session } from './support/session';
import { buildStdioServer } from './support/stdioProgram';
import { inSteps } from './support/steps';
import { described, rowOf, welcomes } from './support/views';

const github = { first: tokenCanary('ghp_'), second: tokenCanary('ghp_') };
const linear = { first: tokenCanary('lin_api_'), second: tokenCanary('lin_api_') };
const canaries = [...Object.values(github), ...Object.values(linear)];
const githubHeader = 'x-mcp-secret-github-token';
/** An agent token, wherever it stands. */
const bearerToken = /Bearer [\w-]{43}(?![\w-])/;

describe('the main job, as a user does it', () => {
  const session = new Session();
  let workbench: Workbench;
  let upstream: HttpUpstream;
  let program: string;

  before(async function () {
    this.timeout(600_000); // The first launch on a machine installs VS Code.
    upstream = await startHttpUpstream(() =>
      issueTracker('github', 'list_issues', (headers) => {
        const value = (headers as Record<string, unknown> | undefined)?.[githubHeader];
        return typeof value === 'string' ? value : undefined;
      }),
    );
    await session.start({ settings: { 'editor.minimap.enabled': false } }, async (workspace) => {
      await mkdir(join(workspace, 'tools'));
      program = await buildStdioServer(join(workspace, 'tools'));
      await writeFile(join(workspace, 'README.md'), '# web-shop\n');
    });
    workbench = session.workbench;
  });

  after(async () => {
    await session.dispose();
    await upstream.close();
  });

  inSteps((name) => workbench.screenshot(name));

  it('starts with empty views that say what to do', async () => {
    await workbench.views.open('MCP Secrets');
    await welcomes(workbench, 'Secrets', /There are no secrets in this workspace yet\.[^]*Add Secret/);
    await welcomes(workbench, 'Servers', /There are no MCP servers in this workspace yet\.[^]*Add Server/);
    await workbench.screenshot('journey-1-empty');
  });

  it('adds a secret by the palette, under its normalised name', async () => {
    await workbench.runCommand('MCP Secrets: Add Secret');
    await titled(workbench, 'Add Secret');
    await workbench.quickInput.type('github-token');
    await workbench.quickInput.message('It will be kept as GITHUB_TOKEN.');
    await workbench.screenshot('journey-2-secret-name');
    await workbench.quickInput.text('github-token');
    await titled(workbench, 'Add Secret GITHUB_TOKEN');
    await workbench.quickInput.type(github.first);
    await workbench.screenshot('journey-3-secret-value');
    await giveValue(workbench, 'Add Secret GITHUB_TOKEN', github.first);

    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 · just now · not bound to a server$/);
    assert.equal((await rowOf(workbench, 'Secrets', 'GITHUB_TOKEN')).ariaLabel, 'Secret GITHUB_TOKEN, v1, just now, not bound to a server');
    await eventually('the status bar counts it', async () =>
      (await workbench.statusBarText()).some((text) => text.endsWith('MCP Secrets: 1')) ? true : undefined,
    );
  });

  it('adds an HTTP server by the wizard, and shows the whole plan before it is approved', async () => {
    await beginServer(workbench, 'HTTP', 'github', upstream.url);
    assert.deepEqual(await workbench.quickInput.labels(), ['GITHUB_TOKEN', 'Add secret…']);
    await workbench.screenshot('journey-4-choose-secrets');
    await workbench.quickInput.pickMany(['GITHUB_TOKEN']);
    await titled(workbench, 'How github Receives Its Secrets');
    await workbench.screenshot('journey-5-modes');
    await workbench.quickInput.pick('Keep these modes');

    const plan = await workbench.dialogText();
    await workbench.screenshot('journey-6-approve-http');
    assert.ok(plan.includes('Approve server "github"?'), plan);
    assert.ok(plan.includes(`Connects to: ${upstream.url}`), plan);
    assert.ok(plan.includes('Secret: GITHUB_TOKEN as header X-Mcp-Secret-GITHUB-TOKEN'), plan);
    assert.deepEqual(upstream.received, [], 'it was contacted before it was approved');
    assert.deepEqual((await workbench.dialogButtons()).sort(), ['Approve', 'Cancel']);
    await workbench.dialogButton('Approve');
  });

  it('adds a stdio server, with a secret that is added on the way', async () => {
    await beginServer(workbench, 'stdio', 'linear', 'node ${workspaceFolder}/tools/linear-mcp.mjs');
    await workbench.quickInput.pick('Add secret…');
    await nameSecret(workbench, 'LINEAR_API_KEY');
    await giveValue(workbench, 'Add Secret LINEAR_API_KEY', linear.first);
    await titled(workbench, 'Choose Secrets for linear');
    assert.deepEqual(await workbench.quickInput.labels(), ['GITHUB_TOKEN', 'LINEAR_API_KEY', 'Add secret…']);
    await workbench.screenshot('journey-7-choose-added');
    await workbench.quickInput.pickMany(['LINEAR_API_KEY']);
    await workbench.quickInput.pick('Keep these modes');

    const plan = await workbench.dialogText();
    await workbench.screenshot('journey-8-approve-stdio');
    assert.ok(plan.includes('Approve server "linear"? It starts a program on this computer'), plan);
    assert.ok(plan.includes(`Starts: node ${program}`), plan);
    assert.ok(plan.includes('Secret: LINEAR_API_KEY as environment variable LINEAR_API_KEY'), plan);
    assert.ok(!plan.includes('GITHUB_TOKEN'), plan);
    await workbench.dialogButton('Approve');
  });

  it('shows both in the tree and writes names only into the servers file', async () => {
    await described(workbench, 'Servers', 'github', /^http · ready · 1 secret$/);
    await described(workbench, 'Servers', 'linear', /^stdio · ready · 1 secret$/);
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v1 · .* · github$/);
    await described(workbench, 'Secrets', 'LINEAR_API_KEY', /^v1 · .* · linear$/);
    assert.equal((await rowOf(workbench, 'Servers', 'github')).ariaLabel, 'Server github, http, ready, 1 secret');
    await workbench.views.expand('Servers', 'github');
    await workbench.views.expand('Servers', 'linear');
    await described(workbench, 'Servers', 'GITHUB_TOKEN', /^as header X-Mcp-Secret-GITHUB-TOKEN$/);
    await described(workbench, 'Servers', 'LINEAR_API_KEY', /^as environment variable LINEAR_API_KEY$/);
    await workbench.screenshot('journey-9-tree');

    const file = JSON.parse(await readFile(join(session.workspace, '.vscode', 'mcp-secrets.json'), 'utf8')) as { servers: unknown };
    assert.deepEqual(file.servers, {
      github: { type: 'http', url: upstream.url, secrets: { GITHUB_TOKEN: 'header' } },
      linear: { type: 'stdio', command: 'node', args: ['${workspaceFolder}/tools/linear-mcp.mjs'], secrets: { LINEAR_API_KEY: 'env' } },
    });
  });

  it('lets the agent call a tool of the HTTP server, which receives the secret', async () => {
    await workbench.chat.open();
    const result = await ask(session, 'Which issues are open?', {
      tool: 'list_issues',
      input: { query: 'is:open' },
      words: 'One issue is open: #42 Login fails behind a proxy.',
    });
    await workbench.screenshot('journey-10-agent-http');
    assert.ok(result.includes(credentialProof(github.first)), 'the upstream did not receive the secret');
    assert.ok(result.includes('token=[redacted:GITHUB_TOKEN]'), 'the value was not replaced in the result');
    const call = upstream.received.findLast(({ method }) => method === 'tools/call');
    assert.ok(call?.headers[githubHeader] === github.first, 'the header is not the value');
    assert.ok(!holdsAny(JSON.stringify(upstream.received), [linear.first]), 'it also received the secret of the other server');
    assert.ok(
      upstream.received.every(({ headers }) => headers.authorization === undefined),
      'the agent token travelled upstream',
    );
  });

  it('lets the agent call a tool of the stdio server, which receives the secret', async () => {
    const result = await ask(session, 'And which of them are planned in Linear?', {
      tool: 'search_issues',
      input: { query: 'login' },
      words: 'It is planned for this week.',
    });
    await workbench.screenshot('journey-11-agent-stdio');
    assert.ok(result.includes(credentialProof(linear.first)), 'the child did not receive the secret');
    assert.ok(result.includes('token=[redacted:LINEAR_API_KEY]'), 'the value was not replaced in the result');
  });

  it('shows both calls in Activity', async () => {
    await described(workbench, 'Activity', 'list_issues', /^github · VS Code · [\d.]+ m?s · GITHUB_TOKEN · /);
    await described(workbench, 'Activity', 'search_issues', /^linear · VS Code · [\d.]+ m?s · LINEAR_API_KEY · /);
    assert.match((await rowOf(workbench, 'Activity', 'list_issues')).ariaLabel, /^list_issues, ok, github, VS Code, .*GITHUB_TOKEN/);
    const labels = (await workbench.views.rows('Activity')).map(({ label }) => label);
    assert.deepEqual(labels.slice(0, 2), ['search_issues', 'list_issues']);
    await workbench.screenshot('journey-12-activity');
    await takePicture(workbench);
  });

  it('gives the new values of replaced secrets to the next calls of the same chat', async () => {
    const requestsBefore = session.agent.model.requests.length;
    await replaceSecret(workbench, 'GITHUB_TOKEN', github.second);
    await replaceSecret(workbench, 'LINEAR_API_KEY', linear.second);
    await described(workbench, 'Secrets', 'GITHUB_TOKEN', /^v2 · just now · github$/);

    const overHttp = await ask(
      session,
      'Look again at GitHub.',
      { tool: 'list_issues', input: { query: 'is:open' }, words: 'Still one.' },
      false,
    );
    assert.ok(overHttp.includes(credentialProof(github.second)), 'the HTTP server did not get the new value');
    const call = upstream.received.findLast(({ method }) => method === 'tools/call');
    assert.ok(call?.headers[githubHeader] === github.second, 'the header is not the new value');

    const overStdio = await ask(
      session,
      'And at Linear.',
      { tool: 'search_issues', input: { query: 'login' }, words: 'Still this week.' },
      false,
    );
    assert.ok(overStdio.includes(credentialProof(linear.second)), 'the stdio server did not get the new value');

    const conversation = JSON.stringify(session.agent.model.requests.slice(requestsBefore).map(({ messages }) => messages));
    assert.ok(conversation.includes('Which issues are open?'), 'this is another chat session');
    await workbench.screenshot('journey-13-rotated');
  });

  it('never shows a value to the model, in the chat or anywhere in the window', async () => {
    const { requests } = session.agent.model;
    assert.ok(requests.some(({ tools }) => tools.some(({ name }) => name.endsWith('list_issues'))));
    assert.ok(!holdsAny(JSON.stringify(requests), canaries), 'a request to the model holds a value');
    assert.ok(!bearerToken.test(JSON.stringify(requests)), 'a request to the model holds a token');
    const page = String(await workbench.page.evaluate('document.documentElement.outerHTML'));
    assert.ok(!holdsAny(page, canaries), 'the page holds a value');
  });

  it('leaves neither a value nor an agent token in the storage of the browser', async () => {
    const entries = await browserStorage(workbench.page);
    const servers = entries.filter(({ text }) => text.includes('/mcp/github'));
    assert.ok(servers.length > 0, 'what VS Code keeps about the servers was not among what was read');
    const bad = entries.filter(({ text }) => holdsAny(text, canaries) || bearerToken.test(text));
    assert.deepEqual(
      bad.map(({ where }) => where),
      [],
    );
  });

  it('leaves neither a value nor an agent token in any file', async () => {
    await session.window.stop();
    for (const folder of [session.window.root, session.workspace]) {
      const found = await searchFiles(folder, { values: canaries, pattern: bearerToken });
      assert.deepEqual(found, []);
    }
    const found = await searchFiles(session.window.root, { values: ['GITHUB_TOKEN'] });
    for (const part of ['audit.jsonl', 'vault.parts'])
      assert.ok(
        found.some((path) => path.includes(part)),
        `${part} was not read`,
      );
  });

  it('finds such values when they are there', async () => {
    const folder = join(session.workspace, 'planted');
    await mkdir(folder);
    const value = github.first;
    const planted: Record<string, string | Buffer> = {
      raw: value,
      wide: Buffer.from(value, 'utf16le'),
      base64: Buffer.from(`me:${value}`).toString('base64'),
      hex: Buffer.from(value).toString('hex'),
      url: encodeURIComponent(value),
      token: `authorization: Bearer ${'a'.repeat(43)}`,
    };
    for (const [name, content] of Object.entries(planted)) await writeFile(join(folder, name), content);
    const found = await searchFiles(folder, { values: canaries, pattern: bearerToken });
    assert.equal(found.length, Object.keys(planted).length);
  });
});
