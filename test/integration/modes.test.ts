import assert from 'node:assert/strict';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newCanary, newPlainCanary } from './support/canaries';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('modes, as an http upstream receives them', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newPlainCanary();
  const other = `${newPlainCanary()} ä`;
  const key = newCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('api-token', token);
    await place.secret('other', other);
    await place.secret('key', key);
    const { url } = upstream;
    await place.servers(
      {
        plain: { url, secrets: { API_TOKEN: 'header' } },
        bearer: { url, secrets: { API_TOKEN: 'bearer' } },
        body: { url, secrets: { API_TOKEN: 'body', KEY: { as: 'body', name: 'apiKey', template: 'Key <${value}>' } } },
        named: {
          url,
          headers: { 'X-Team': 'blue', 'x-signing': 'from the file', Accept: 'application/json', authorization: 'Basic none' },
          secrets: {
            API_TOKEN: { as: 'header', name: 'Authorization', template: 'Token ${value}' },
            OTHER: { as: 'header', name: 'X-Signing', template: '<${value}|${value}>' },
          },
        },
        none: { url },
      },
      'plain',
      'bearer',
      'body',
      'named',
      'none',
    );
    serving = await place.serve();
  });

  beforeEach(() => {
    upstream.reset();
  });

  after(async () => {
    await place.close();
    await upstream.stop();
  });

  /** One of each kind of request that goes to the upstream. */
  async function useOf(server: string): Promise<Agent> {
    const agent = new Agent(serving, server);
    await agent.initialize();
    await agent.tool('do', { a: 1 });
    await agent.call('tools/list');
    const stream = await agent.open('GET');
    stream.destroy();
    await agent.send('DELETE');
    agent.close();
    return agent;
  }

  it('header: X-Mcp-Secret-NAME, in every request', async () => {
    await useOf('plain');
    assert.equal(upstream.received.length, 6);
    for (const { headers } of upstream.received) {
      assert.equal(headers['x-mcp-secret-api-token'], token);
      assert.equal(headers.authorization, undefined);
    }
  });

  it('bearer: Authorization, in every request', async () => {
    await useOf('bearer');
    for (const { headers } of upstream.received) assert.equal(headers.authorization, `Bearer ${token}`);
  });

  it('body: in the _meta of tool calls only', async () => {
    const agent = new Agent(serving, 'body');
    await agent.initialize();
    await agent.call('tools/list');
    assert.ok(!JSON.stringify(upstream.received).includes(token));
    await agent.call('tools/call', { name: 'do', arguments: { a: 1 }, _meta: { progressToken: 7, mine: true }, more: [] });
    assert.deepEqual(upstream.last('tools/call').message?.params, {
      name: 'do',
      arguments: { a: 1 },
      more: [],
      _meta: { progressToken: 7, mine: true, 'mcp-secrets/secrets': { API_TOKEN: token, apiKey: `Key <${key}>` } },
    });
    for (const { headers } of upstream.received) assert.ok(!JSON.stringify(headers).includes(token));
    agent.close();
  });

  it('body: an agent cannot put anything in the place of the secrets', async () => {
    const agent = new Agent(serving, 'body');
    await agent.initialize();
    await agent.call('tools/call', { name: 'do', _meta: { 'mcp-secrets/secrets': { API_TOKEN: 'mine', more: 'x' } } });
    const meta = upstream.last('tools/call').message?.params?._meta;
    assert.deepEqual(meta, { 'mcp-secrets/secrets': { API_TOKEN: token, apiKey: `Key <${key}>` } });
    agent.close();
  });

  it('body: only the tool calls of a batch get them', async () => {
    const agent = new Agent(serving, 'body');
    await agent.initialize();
    upstream.script = ({ body }, response) =>
      body.startsWith('[') && json(response, [answerTo({ id: 1 }, {}), answerTo({ id: 2 }, textResult('x'))]);
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'do' } },
    ];
    assert.equal((await agent.post(batch)).messages.length, 2);
    const [ping, call] = JSON.parse(upstream.received.at(-1)?.body ?? '') as { params?: { _meta?: object } }[];
    assert.equal(ping?.params, undefined);
    assert.deepEqual(call?.params?._meta, { 'mcp-secrets/secrets': { API_TOKEN: token, apiKey: `Key <${key}>` } });
    agent.close();
  });

  it('name and template; a secret takes the place of a header of the file, which takes that of one of the agent', async () => {
    await useOf('named');
    for (const { headers } of upstream.received) {
      assert.equal(headers.authorization, `Token ${token}`);
      // UTF-8 on the wire; Node reads headers as latin1.
      assert.equal(Buffer.from(String(headers['x-signing']), 'latin1').toString(), `<${other}|${other}>`);
      assert.equal(headers['x-team'], 'blue');
      assert.equal(headers.accept, 'application/json');
      assert.equal(headers['x-mcp-secret-api-token'], undefined);
    }
  });

  it('no header is sent twice', async () => {
    await useOf('named');
    for (const { headerNames } of upstream.received) {
      const names = headerNames.map((name) => name.toLowerCase());
      assert.deepEqual([...names].sort(), [...new Set(names)].sort());
    }
  });

  it('a server gets no other secret than its own', async () => {
    await useOf('none');
    await useOf('plain');
    const all = JSON.stringify(upstream.received);
    for (const value of [other, key]) assert.ok(!all.includes(JSON.stringify(value).slice(1, -1)));
    const ofNone = upstream.received.slice(0, 6);
    assert.ok(!JSON.stringify(ofNone).includes(token));
    const [line] = (await place.audited(1, ({ server, tool }) => server === 'none' && tool === 'do')).slice(-1);
    assert.deepEqual(line?.secrets, []);
  });

  it('the record names the secrets that were used', async () => {
    const lines = await place.audited(2, ({ server, action }) => server === 'named' && action === 'call');
    for (const line of lines) assert.deepEqual(line.secrets, ['API_TOKEN', 'OTHER']);
  });

  it('the very next call carries a new value, in the same session', async () => {
    const agent = new Agent(serving, 'bearer');
    await agent.initialize();
    await agent.tool('do');
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${token}`);
    const next = newPlainCanary();
    await place.secret('API_TOKEN', next);
    await agent.tool('do');
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${next}`);
    await place.secret('API_TOKEN', token);
    await agent.tool('do');
    assert.equal(upstream.last('tools/call').headers.authorization, `Bearer ${token}`);
    agent.close();
  });
});
