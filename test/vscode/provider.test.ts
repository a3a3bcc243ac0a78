import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { McpProvider, socketUri } from '../../src/editor/mcpProvider';
import type { Workspace } from '../../src/editor/workspace';
import { hashOf } from '../../src/proxy/front/agents';
import { activated, eventually, reset, uiLimitMs, writeServersFile } from './support';

describe('MCP provider', () => {
  let workspace: Workspace;
  let provider: McpProvider;

  before(async () => {
    ({ workspace } = await activated());
    provider = new McpProvider(workspace, new vscode.EventEmitter<void>().event);
    await reset(workspace);
  });

  after(async () => {
    await reset(workspace);
  });

  it('offers every server that can be read, without any token', () => {
    writeServersFile(workspace, {
      servers: { web: { url: 'https://a.example/mcp' }, local: { command: 'node' }, broken: { url: 'nowhere' } },
    });
    const definitions = provider.provideMcpServerDefinitions();
    assert.deepEqual(definitions.map(({ label }) => label).sort(), ['local', 'web']);
    for (const definition of definitions) {
      assert.deepEqual(definition.headers, {});
      assert.match(definition.version ?? '', /^[0-9a-f]{16}$/);
      assert.equal(definition.uri.scheme, 'unix');
      assert.equal(definition.uri.path, workspace.socketPath);
      assert.equal(definition.uri.fragment, `/mcp/${definition.label}`);
      assert.equal(vscode.Uri.parse(definition.uri.toString()).toString(), definition.uri.toString());
    }
  });

  it('names another version when the plan changes', () => {
    const version = (): string | undefined => provider.provideMcpServerDefinitions()[0]?.version;
    writeServersFile(workspace, { servers: { web: { url: 'https://a.example/mcp' } } });
    const first = version();
    writeServersFile(workspace, { servers: { web: { url: 'https://a.example/other' } } });
    assert.notEqual(version(), first);
  });

  it('adds one token for all servers when one is about to start', async () => {
    writeServersFile(workspace, { servers: { one: { url: 'https://a.example/mcp' }, two: { url: 'https://b.example/mcp' } } });
    for (const server of workspace.servers.file().servers.values()) await workspace.approvals.approve(server, 'user');
    const resolved = await Promise.all(provider.provideMcpServerDefinitions().map((one) => provider.resolveMcpServerDefinition(one)));
    const tokens = resolved.map((definition) => definition?.headers.Authorization);
    assert.equal(tokens.length, 2);
    assert.match(tokens[0] ?? '', /^Bearer [\w-]{43}$/);
    assert.equal(tokens[0], tokens[1]);
    assert.equal(workspace.agents.admit(hashOf((tokens[0] ?? '').slice(7))), 'VS Code');
  });

  it('says which server is not there', async () => {
    const gone = new vscode.McpHttpServerDefinition('gone', socketUri(workspace.socketPath, 'gone'));
    await assert.rejects(provider.resolveMcpServerDefinition(gone), { kind: 'serverUnknown' });
  });

  it('uses the form of a named pipe on Windows', () => {
    const { scheme, path, fragment } = socketUri('\\\\.\\pipe\\mcp-secrets-1', 'a');
    assert.deepEqual([scheme, path, fragment], ['pipe', '/pipe/mcp-secrets-1', '/mcp/a']);
  });

  it('offers all servers as one, if the user wants that, and leaves approvals to the servers', async () => {
    writeServersFile(workspace, { servers: { one: { url: 'https://a.example/mcp' }, two: { url: 'https://b.example/mcp' } } });
    const setting = (value: string | undefined): Thenable<void> =>
      vscode.workspace.getConfiguration('mcpSecrets').update('endpoint', value, vscode.ConfigurationTarget.Workspace);
    await setting('merged');
    try {
      const [all, ...more] = provider.provideMcpServerDefinitions();
      assert.ok(all !== undefined && more.length === 0);
      assert.deepEqual([all.label, all.uri.fragment, all.uri.path], ['MCP Secrets', '/mcp', workspace.socketPath]);
      assert.deepEqual(all.headers, {});
      const before = all.version;
      assert.match((await provider.resolveMcpServerDefinition(all))?.headers.Authorization ?? '', /^Bearer [\w-]{43}$/);
      writeServersFile(workspace, { servers: { one: { url: 'https://a.example/mcp' } } });
      assert.notEqual(provider.provideMcpServerDefinitions()[0]?.version, before);
    } finally {
      await setting(undefined);
    }
    assert.deepEqual(
      provider.provideMcpServerDefinitions().map(({ label }) => label),
      ['one'],
    );
  });

  it('lets VS Code call a tool of a server that receives its secret', async function () {
    this.timeout(300_000);
    await workspace.vaults.workspace.set('ECHO_KEY', Buffer.from('provider-canary'), 'user');
    const code = `process.stdin.setEncoding('utf8');let rest='';process.stdin.on('data',(d)=>{rest+=d;const lines=rest.split('\\n');rest=lines.pop();for(const l of lines){const m=JSON.parse(l);if(m.id===undefined)continue;const result=m.method==='initialize'?{protocolVersion:m.params.protocolVersion,capabilities:{tools:{}},serverInfo:{name:'probe',version:'1'}}:m.method==='tools/list'?{tools:[{name:'measure',description:'Measures',inputSchema:{type:'object'}}]}:{content:[{type:'text',text:'length '+process.env.ECHO_KEY.length+' '+process.env.ECHO_KEY}]};process.stdout.write(JSON.stringify({jsonrpc:'2.0',id:m.id,result})+'\\n')}})`;
    writeServersFile(workspace, { servers: { probe: { command: process.execPath, args: ['-e', code], secrets: { ECHO_KEY: 'env' } } } });
    await workspace.approvals.approve(workspace.servers.get('probe'), 'user');
    workspace.serversFileChanged();
    const id = 'mcp-secrets.mcp-secrets/probe';
    const tool = await eventually(
      'VS Code lists the tool',
      async () => {
        const found = vscode.lm.tools.find(({ name }) => name.endsWith('_measure'));
        // It knows of the server only after a while.
        if (found === undefined) await vscode.commands.executeCommand('workbench.mcp.startServer', id);
        return found;
      },
      2 * uiLimitMs,
    );
    const result = await vscode.lm.invokeTool(tool.name, { input: {}, toolInvocationToken: undefined });
    const text = result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
    assert.equal(text, 'length 15 [redacted:ECHO_KEY]');
    const call = workspace.audit.recent().findLast(({ action }) => action === 'call');
    assert.deepEqual(
      [call?.agent, call?.server, call?.tool, call?.secrets, call?.outcome],
      ['VS Code', 'probe', 'measure', ['ECHO_KEY'], 'ok'],
    );
    await workspace.proxy.stopServer('probe');
  });
});
