import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import assert from 'node:assert/strict';
import { encodings } from '../fixtures/encodings';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { serverScript } from './support/programs';
import { scripted } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';
import type { AuditLine } from './support/workplace';

describe('the outbound guard', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const own = newPlainCanary();
  const other = newPlainCanary();
  const shared = newPlainCanary();
  const key = `-----BEGIN KEY-----\n${newPlainCanary()}\n${newPlainCanary()}\n-----END KEY-----\n`;
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('OWN', own);
    await place.secret('OTHER', other, '--scope', 'work');
    await place.secret('SHARED', shared, '--scope', 'user');
    await place.secret('KEY', key);
    await place.secret('SHORT', 'abc1234');
    await place.servers({ web: { url: upstream.url, secrets: { OWN: 'bearer' } }, unapproved: { url: upstream.url } }, 'web');
    serving = await place.serve(['--new-tools', 'allow']);
    agent = new Agent(serving, 'web');
    await agent.initialize();
  });

  after(async () => {
    agent.close();
    for (const { body, headers } of upstream.received) {
      const text = body + JSON.stringify({ ...headers, authorization: '' });
      for (const value of [own, other, shared]) assert.ok(!text.includes(value), 'a value has left');
    }
    await place.close();
    await upstream.stop();
  });

  /** Nothing of it may get to the server. */
  async function stopped(name: string, sent: Promise<Answer>): Promise<void> {
    const before = upstream.received.length;
    const { messages, body } = await sent;
    const error = messages[0]?.error;
    assert.equal(error?.data?.kind, 'secretInMessage', body);
    assert.match(error.message, new RegExp(`holds the value of the secret ${name}[ ,(].*stopped before it left for server "web"`));
    for (const value of [own, other, shared]) assert.ok(!error.message.includes(value), 'the answer repeats the value');
    assert.equal(upstream.received.length, before);
  }

  async function passes(sent: Promise<Answer>): Promise<void> {
    const { messages, body } = await sent;
    assert.ok(messages[0]?.result !== undefined, body);
  }

  it('stops the value of any secret, of whichever scope, also the server’s own', async () => {
    await stopped('OWN', agent.tool('do', { text: `is ${own} right?` }));
    await stopped('OTHER', agent.tool('do', { text: other }));
    await stopped('SHARED', agent.tool('do', { text: `x${shared}x` }));
    await stopped('KEY', agent.tool('do', { text: key }));
    await stopped('KEY', agent.tool('do', { text: key.split('\n')[2] ?? '' }));
  });

  it('stops it in every encoding that a careless agent could use', async () => {
    for (const text of encodings(other)) await stopped('OTHER', agent.tool('do', { text }));
    const lines = Buffer.from(`user:${other}:x`.repeat(3)).toString('base64').replace(/.{60}/g, '$&\n');
    await stopped('OTHER', agent.tool('do', { text: lines }));
    const escaped = Array.from(other, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    await stopped(
      'OTHER',
      agent.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"do","arguments":{"a":"${escaped}"}}}`),
    );
  });

  it('stops it wherever it stands', async () => {
    let nested: unknown = `"${other}"`;
    for (let level = 0; level < 900; level += 1) nested = level % 2 === 0 ? [nested] : { nested };
    await stopped('OTHER', agent.tool('do', { nested }));
    await stopped('OTHER', agent.tool('do', { [other]: 1 }));
    await stopped('OTHER', agent.tool('do', JSON.parse(`{"__proto__":{"a":"${other}"}}`) as object));
    await stopped('OTHER', agent.tool(other));
    await stopped('OTHER', agent.call('resources/read', { uri: `file:///${other}` }));
    await stopped('OTHER', agent.call(`x/${other}`));
    await stopped('OTHER', agent.call('tools/call', { name: 'do', _meta: { trace: other } }));
    await stopped('OTHER', agent.call('completion/complete', { argument: { name: 'a', value: other } }));
    await stopped(
      'OTHER',
      agent.post([
        { jsonrpc: '2.0', id: 1, method: 'ping' },
        { jsonrpc: '2.0', id: 2, method: 'ping', params: { other } },
      ]),
    );
    await stopped('OTHER', agent.post({ jsonrpc: '2.0', id: other, method: 'ping' }));
  });

  it('stops notifications and answers to questions of a server, too', async () => {
    const before = upstream.received.length;
    for (const message of [
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, message: other } },
      { jsonrpc: '2.0', id: 'asked', result: { action: 'accept', content: { password: other } } },
      { jsonrpc: '2.0', id: 'asked', error: { code: 1, message: other } },
    ]) {
      const { status, messages } = await agent.post(message);
      assert.deepEqual([status, messages[0]?.error?.data?.kind], [403, 'secretInMessage']);
    }
    assert.equal(upstream.received.length, before);
  });

  it('stops it in the middle of a large message', async () => {
    const half = 'some text, "quoted" 100% \\ '.repeat(60_000);
    await stopped('OTHER', agent.tool('do', { text: `${half}${other}${half}` }));
    await passes(agent.tool('do', { text: half + half }));
  });

  it('raises no alarm about short values, pieces, names, or values that are no secret (any more)', async () => {
    for (const text of ['abc1234', other.slice(0, -1), other.slice(1), 'OTHER', '[secret:OTHER]', newPlainCanary()])
      await passes(agent.tool('do', { text }));
    const once = newPlainCanary();
    await place.ok(['secret', 'set', 'ONCE'], once);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await stopped('ONCE', agent.tool('do', { text: once }));
    await place.ok(['secret', 'delete', 'ONCE']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await passes(agent.tool('do', { text: once }));
  });

  it('follows a rotation', async () => {
    const next = newPlainCanary();
    await place.secret('OTHER2', newPlainCanary());
    await place.secret('OTHER2', next);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await stopped('OTHER2', agent.tool('do', { text: next }));
  });

  it('keeps what an agent says of itself out of the records, too', async () => {
    const sly = new Agent(serving, 'web');
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: other, version: other } };
    await stopped('OTHER', sly.call('initialize', params));
    sly.close();
  });

  it('is on record with the names of secret, server, agent and tool', async () => {
    const refused = ({ action, errorKind }: AuditLine): boolean => action === 'call' && errorKind === 'secretInMessage';
    await until('a refused call is on record', () => place.auditEntries().some(refused));
    const entries = place.auditEntries().filter(({ action }) => action === 'guard.find');
    assert.ok(entries.length > 20);
    const [first] = entries;
    assert.deepEqual(
      [first?.outcome, first?.errorKind, first?.server, first?.agent, first?.tool, first?.secrets],
      ['refused', 'secretInMessage', 'web', 'command line', 'do', ['OWN']],
    );
    assert.deepEqual(entries[1]?.scope, 'work');
    const call = place.auditEntries().find(refused);
    assert.equal(call?.outcome, 'refused');
  });

  it('does not keep the proxy from working for others meanwhile', async () => {
    const text = '%41\\u0041&amp;'.repeat(250_000);
    const turnsMeanwhile = async (): Promise<number> => {
      const large = agent.tool('do', { text });
      const state = { done: false, turns: 0 };
      void large.finally(() => (state.done = true));
      while (!state.done) {
        await passes(agent.tool('small'));
        state.turns += 1;
      }
      await passes(large);
      return state.turns;
    };
    // Once may be too little: this process may stall for as long as the large call takes.
    let turns = 0;
    for (let tries = 0; tries < 5 && turns <= 1; tries += 1) turns = await turnsMeanwhile();
    assert.ok(turns > 1, 'nobody else had a turn');
  });

  it('can be told to warn only, or to be off', async () => {
    for (const mode of ['warn', 'off']) {
      const another = await place.serve(['--outbound-guard', mode]);
      const free = new Agent(another, 'web');
      await free.initialize();
      const text = newPlainCanary();
      await place.ok(['secret', 'set', 'LOOSE'], text);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await passes(free.tool('do', { text }));
      assert.ok(upstream.last('tools/call').body.includes(text));
      const isSaid = (): boolean => another.logs.includes('has sent the value of the secret LOOSE to server "web"');
      if (mode === 'warn') await until('it is said', isSaid);
      else assert.ok(!isSaid());
      // One of the first round, none of the second.
      const [found] = await place.audited(1, ({ action, secrets }) => action === 'guard.find' && secrets?.[0] === 'LOOSE');
      assert.equal(found?.outcome, 'ok');
      free.close();
      await place.ok(['secret', 'delete', 'LOOSE']);
    }
    const { code, stderr } = await place.cli(['serve', '--outbound-guard', 'on']);
    assert.deepEqual([code, stderr.includes('--outbound-guard takes "refuse", "warn" or "off"')], [2, true]);
  });

  it('guards the command line’s own calls', async () => {
    const { code, stderr } = await place.cli(['call', 'web', 'do', '--args', JSON.stringify({ text: other })]);
    assert.equal(code, 1);
    assert.match(stderr, /holds the value of the secret OTHER/);
    assert.ok(!stderr.includes(other));
  });

  it('keeps it out of the records of what is refused without being looked at, too', async () => {
    const kindOf = async (to: Agent, name: string): Promise<unknown> => (await to.tool(name)).messages[0]?.error?.data?.kind;
    const unapproved = new Agent(serving, 'unapproved');
    const unknown = new Agent(serving, 'unknown');
    assert.equal(await kindOf(unapproved, own), 'secretInMessage');
    assert.equal(await kindOf(unapproved, 'deploy'), 'serverUnapproved');
    assert.equal(await kindOf(unknown, own), 'serverUnknown');
    const named = new Agent(serving, own);
    assert.equal(await kindOf(named, 'do'), 'serverUnknown');
    await place.ok(['lock']);
    assert.equal(await kindOf(agent, own), 'locked');
    const [deploy] = await place.audited(1, ({ tool }) => tool === 'deploy');
    assert.deepEqual([deploy?.server, deploy?.errorKind], ['unapproved', 'serverUnapproved']);
    const [locked] = await place.audited(1, ({ errorKind }) => errorKind === 'locked');
    assert.deepEqual([locked?.action, locked?.server, locked?.tool, locked?.requestId], ['call', 'web', undefined, undefined]);
    const strangers = await place.audited(2, ({ errorKind }) => errorKind === 'serverUnknown');
    for (const { server, agent: who } of strangers) assert.deepEqual([server, who], [undefined, 'command line']);
    assert.ok(!JSON.stringify(place.auditEntries()).includes(own));
    assert.ok(!serving.logs.includes(own));
    for (const one of [unapproved, unknown, named]) one.close();
  });
});

describe('the outbound guard between real clients and servers', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const value = newPlainCanary();
  let serving: Serving;

  before(async () => {
    await place.secret('TOKEN', value);
    await place.addStdio('everything', [process.execPath, serverScript('everything'), 'stdio']);
    await place.addStdio('child', scripted());
    serving = await place.serve(['--new-tools', 'allow']);
  });

  after(() => place.close());

  it('a server gets no value by a tool, and none by a question to the user', async () => {
    const client = new Client({ name: 'real', version: '1' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: value, check: true } }));
    const headers = { authorization: `Bearer ${serving.token}` };
    await client.connect(new StreamableHTTPClientTransport(serving.at('everything'), { requestInit: { headers } }));
    await assert.rejects(client.callTool({ name: 'echo', arguments: { message: `use ${value}` } }), /holds the value of the secret TOKEN/);
    const fine = await client.callTool({ name: 'echo', arguments: { message: 'use [secret:TOKEN]' } });
    assert.match(JSON.stringify(fine.content), /use \[secret:TOKEN\]/);
    await client.close();
  });

  it('a child gets nothing on its standard input', async () => {
    const agent = new Agent(serving, 'child');
    await agent.initialize();
    assert.equal((await agent.tool('echo', { value })).messages[0]?.error?.data?.kind, 'secretInMessage');
    const { body } = await agent.tool('received');
    assert.ok(!body.includes(value) && !body.includes('redacted'), body);
    agent.close();
  });
});

describe('the outbound guard that only warns', function () {
  this.timeout(60_000);
  const value = newPlainCanary();
  let mode: 'refuse' | 'warn';
  let local: LocalProxy;
  let upstream: ScriptedUpstream;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    local = await LocalProxy.start({ TOKEN: value }, { outboundGuard: () => mode, newTools: () => 'allow' });
    await local.servers({ web: { url: upstream.url } });
    agent = new Agent(local, 'web');
    mode = 'warn';
    await agent.initialize();
  });

  beforeEach(() => {
    mode = 'warn';
    local.audit.entries.length = 0;
  });

  after(async () => {
    agent.close();
    await local.close();
    await upstream.stop();
  });

  /** What is on record of calls. */
  function calls(): (readonly [tool: string | undefined, method: string | undefined, requestId: string | undefined])[] {
    return local.audit.entries
      .filter(({ action }) => action === 'call' || action === 'request')
      .map(({ tool, method, requestId }) => [tool, method, requestId] as const);
  }

  function nothingKept(): void {
    const all = JSON.stringify([local.audit.entries, local.logger]);
    assert.ok(!all.includes(value), 'a value is on record');
  }

  it('keeps the value out of the record of the call that it let through', async () => {
    const { messages } = await agent.post({ jsonrpc: '2.0', id: value, method: 'tools/call', params: { name: value } });
    assert.equal(messages[0]?.id, value);
    await agent.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: `do-${value}` } });
    await agent.post({ jsonrpc: '2.0', id: 2, method: `x/${value}` });
    const none = [undefined, undefined, undefined] as const;
    assert.deepEqual(calls(), [none, none, none]);
    assert.equal(local.audit.entries.filter(({ action }) => action === 'guard.find').length, 3);
    nothingKept();
  });

  it('names the call whose arguments alone hold it, and the others of a batch', async () => {
    await agent.post({ jsonrpc: '2.0', id: 3, method: 'tools/call', params: { name: 'do', arguments: { value } } });
    await agent.post([
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: value } },
      { jsonrpc: '2.0', id: 4, method: 'ping' },
      { jsonrpc: '2.0', id: value, method: 'ping' },
      { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'do' } },
    ]);
    assert.deepEqual(new Set(calls().map((named) => named.join())), new Set(['do,,3', ',ping,4', ',,', 'do,,5']));
    nothingKept();
  });

  it('does not keep what an agent says of itself if that holds a value', async () => {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: value, version: '1' } };
    await agent.call('initialize', params, { 'mcp-session-id': undefined });
    assert.deepEqual(
      local.agents.list().map(({ client }) => client),
      ['raw 1'],
    );
    nothingKept();
  });

  it('and one that refuses: nothing is named of what stands behind a find in a batch', async () => {
    mode = 'refuse';
    await agent.post([
      { jsonrpc: '2.0', id: 6, method: 'ping', params: { value } },
      { jsonrpc: '2.0', id: value, method: `x/${value}` },
    ]);
    assert.deepEqual(new Set(calls().map((named) => named.join())), new Set([',ping,6', ',,']));
    nothingKept();
  });
});
