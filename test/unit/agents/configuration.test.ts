import * as assert from 'node:assert/strict';
import { agentKinds, configurationFor, endpointOf, endpointOfAll } from '../../../src/agents/configuration';

const endpoints = [
  { server: 'github', url: 'http://127.0.0.1:4711/mcp/github' },
  { server: 'my.server', url: 'http://127.0.0.1:4711/mcp/my.server' },
];
const token = 'a-token_of-43-characters-0123456789abcdefgh';
const headers = { Authorization: `Bearer ${token}` };

describe('agent configuration', () => {
  it('is a .mcp.json for Claude Code', () => {
    const { text } = configurationFor('claudeCode', endpoints, token);
    assert.deepEqual(JSON.parse(text), {
      mcpServers: {
        github: { type: 'http', url: 'http://127.0.0.1:4711/mcp/github', headers },
        'my.server': { type: 'http', url: 'http://127.0.0.1:4711/mcp/my.server', headers },
      },
    });
  });

  it('has no type for Cursor', () => {
    const { text } = configurationFor('cursor', endpoints.slice(0, 1), token);
    assert.deepEqual(JSON.parse(text), { mcpServers: { github: { url: 'http://127.0.0.1:4711/mcp/github', headers } } });
  });

  it('names "servers" for VS Code', () => {
    const { text } = configurationFor('vscode', endpoints.slice(0, 1), token);
    assert.deepEqual(JSON.parse(text), { servers: { github: { type: 'http', url: 'http://127.0.0.1:4711/mcp/github', headers } } });
  });

  it('is TOML with http_headers for Codex, which takes no dots in names', () => {
    assert.equal(
      configurationFor('codex', endpoints, token).text,
      [
        '[mcp_servers.github]',
        'url = "http://127.0.0.1:4711/mcp/github"',
        `http_headers = { "Authorization" = "Bearer ${token}" }`,
        '',
        '[mcp_servers.my_server]',
        'url = "http://127.0.0.1:4711/mcp/my.server"',
        `http_headers = { "Authorization" = "Bearer ${token}" }`,
        '',
      ].join('\n'),
    );
  });

  it('keeps apart in TOML what has one name without dots', () => {
    const both = ['a.b', 'a_b', 'a_b_2'].map((server) => ({ server, url: `http://127.0.0.1:1/mcp/${server}` }));
    const tables = configurationFor('codex', both, token).text.match(/^\[.*\]$/gm);
    assert.equal(new Set(tables).size, 3, String(tables));
  });

  it('has one entry for all servers at one endpoint', () => {
    const proxy = 'http://127.0.0.1:4711';
    assert.deepEqual(endpointOf(proxy, 'my.server'), endpoints[1]);
    const [all, search] = [false, true].map(
      (mode) => JSON.parse(configurationFor('cursor', [endpointOfAll(proxy, mode)], token).text) as unknown,
    );
    assert.deepEqual(all, { mcpServers: { 'mcp-secrets': { url: `${proxy}/mcp`, headers } } });
    assert.deepEqual(search, { mcpServers: { 'mcp-secrets': { url: `${proxy}/mcp?mode=search`, headers } } });
  });

  it('says for each agent where it goes', () => {
    for (const { kind } of agentKinds) {
      const { text, hint } = configurationFor(kind, endpoints, token);
      assert.ok(text.includes(token) && text.endsWith('\n'), kind);
      assert.match(hint, /^(Paste|Append) it .*\.$/);
      assert.ok(!hint.includes(token));
    }
  });
});
