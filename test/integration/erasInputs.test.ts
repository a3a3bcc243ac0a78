import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { json, ScriptedUpstream } from '../fixtures/scriptedUpstream';
import type { Incoming } from '../fixtures/scriptedUpstream';
import { Agent, eventsOf } from './support/agent';
import type { Answer, Rpc } from './support/agent';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';

type Result = Record<string, unknown>;

describe('a modern server that asks a legacy agent', function () {
  this.timeout(60_000);
  let upstream: ScriptedUpstream;
  let proxy: LocalProxy;
  let agent: Agent;
  /** What the server answers to a tool call; the request that it is given may be one that is sent again. */
  let onCall: (params: Result) => Result;

  const elicit = { method: 'elicitation/create', params: { message: 'Name?', requestedSchema: { type: 'object', properties: {} } } };
  const done = { resultType: 'complete', content: [{ type: 'text', text: 'done' }] };

  before(async () => {
    upstream = await ScriptedUpstream.start();
    proxy = await LocalProxy.start({});
    await proxy.servers({ one: { url: upstream.url, protocol: '2026-07-28' } });
  });

  beforeEach(async () => {
    upstream.reset();
    upstream.script = ({ message }, response) => answer(message, response);
    agent = new Agent(proxy, 'one');
    await agent.initialize({ elicitation: { form: {} }, sampling: {} });
  });

  afterEach(() => {
    agent.close();
  });

  after(async () => {
    await proxy.close();
    await upstream.stop();
  });

  const answer = (message: Incoming | undefined, response: ServerResponse): boolean => {
    const result =
      message?.method === 'server/discover'
        ? { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } }
        : message?.method === 'tools/call'
          ? onCall(message.params ?? {})
          : undefined;
    return result !== undefined && json(response, { jsonrpc: '2.0', id: message?.id, result });
  };

  /** Calls the tool, answers what the agent is asked, and returns all messages. */
  const callAnswering = async (reply: (asked: Rpc) => object): Promise<Rpc[]> => {
    const response = await agent.open('POST', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'do' } }));
    let text = '';
    let answered = 0;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const asked = messages().filter(({ id, method }) => id !== undefined && method !== undefined);
      for (const question of asked.slice(answered)) void agent.post({ jsonrpc: '2.0', id: question.id, ...reply(question) });
      answered = asked.length;
    });
    const messages = (): Rpc[] => eventsOf(text).map((data) => JSON.parse(data) as Rpc);
    await new Promise((resolve) => response.on('end', resolve));
    return messages();
  };

  const refused = ({ messages }: Pick<Answer, 'messages'>, why: RegExp): void => {
    const last = messages.at(-1);
    assert.equal(last?.error?.code, -32603, JSON.stringify(messages));
    assert.match(last.error.message, why);
  };

  it('the answers go back with the request, and what the server wants to keep', async () => {
    onCall = ({ inputResponses, requestState }) =>
      inputResponses === undefined
        ? { resultType: 'input_required', inputRequests: { a: elicit, __proto__: elicit, 'b c': elicit }, requestState: '{"opaque":1}' }
        : { ...done, structuredContent: { inputResponses, requestState } };
    const messages = await callAnswering(() => ({ result: { action: 'accept', content: { x: 1 } } }));
    assert.deepEqual(messages.at(-1)?.result?.structuredContent, {
      inputResponses: { a: { action: 'accept', content: { x: 1 } }, 'b c': { action: 'accept', content: { x: 1 } } },
      requestState: '{"opaque":1}',
    });
    const [first, second] = upstream.of('tools/call');
    assert.notEqual(first?.message?.id, second?.message?.id);
    assert.equal((second?.message?.params as Result).name, 'do');
  });

  it('as often as the server asks, but not for ever', async () => {
    let asked = 0;
    onCall = () => ((asked += 1) === 4 ? done : { resultType: 'input_required', inputRequests: { a: elicit } });
    const messages = await callAnswering(() => ({ result: { action: 'decline' } }));
    assert.deepEqual(messages.at(-1)?.result?.content, done.content);
    onCall = () => ({ resultType: 'input_required', inputRequests: { a: elicit } });
    refused({ messages: await callAnswering(() => ({ result: { action: 'decline' } })) }, /still asks for input after 10 rounds/);
  });

  it('a server that only wants the request again gets it', async () => {
    onCall = ({ requestState }) =>
      requestState === 'two' ? done : { resultType: 'input_required', requestState: requestState === 'one' ? 'two' : 'one' };
    assert.deepEqual((await agent.tool('do')).messages[0]?.result?.content, done.content);
  });

  it('an agent that refuses ends the call', async () => {
    onCall = () => ({ resultType: 'input_required', inputRequests: { a: elicit } });
    const messages = await callAnswering(() => ({ error: { code: -1, message: 'the user said no' } }));
    refused({ messages }, /the agent has refused elicitation\/create/);
    assert.equal(upstream.of('tools/call').length, 1);
  });

  it('what the agent cannot be asked for is an error that says so, and nothing waits', async () => {
    for (const [request, why] of [
      [{ method: 'roots/list' }, /asks for roots, which this agent has not said that it can/],
      [{ method: 'elicitation/create', params: { mode: 'url', url: 'https://x.test' } }, /elicitation by URL/],
      [{ method: 'tasks/get', params: {} }, /no agent of an earlier revision knows/],
      [{ method: '__proto__' }, /no agent of an earlier revision knows/],
      ['not a request', /no agent of an earlier revision knows/],
    ] as const) {
      onCall = () => ({ resultType: 'input_required', inputRequests: { a: elicit, b: request } });
      refused(await agent.tool('do'), why);
    }
    onCall = () => ({ resultType: 'input_required' });
    refused(await agent.tool('do'), /does not say for which/);
    onCall = () => ({ resultType: 'task', taskId: 't' });
    refused(await agent.tool('do'), /of a kind that no agent of an earlier revision knows/);
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [String(i), elicit]));
    onCall = () => ({ resultType: 'input_required', inputRequests: many });
    refused(await agent.tool('do'), /more than can be answered at once/);
  });

  it('an agent that cancels while it is asked: the call ends, later answers change nothing', async () => {
    onCall = () => ({ resultType: 'input_required', inputRequests: { a: elicit } });
    proxy.audit.entries.length = 0;
    const own = agent;
    const messages = await callAnswering(({ id }) => {
      void own.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
      setTimeout(() => void own.post({ jsonrpc: '2.0', id, result: { action: 'accept' } }).catch(() => undefined), 100);
      return { method: 'notifications/nothing', id: undefined };
    });
    assert.equal(messages.filter(({ id, method }) => id === 1 && method === undefined).length, 0);
    await until('it is on record', () => proxy.audit.entries.some(({ tool, errorKind }) => tool === 'do' && errorKind === 'cancelled'));
    assert.equal(upstream.of('tools/call').length, 1);
  });

  it('an agent that leaves while it is asked leaves nothing behind', async () => {
    onCall = () => ({ resultType: 'input_required', inputRequests: { a: elicit } });
    proxy.audit.entries.length = 0;
    const response = await agent.open('POST', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'do' } }));
    response.once('data', () => response.destroy());
    response.on('error', () => undefined);
    await until('it is on record', () => proxy.audit.entries.some(({ tool, errorKind }) => tool === 'do' && errorKind === 'abandoned'));
    onCall = () => done;
    assert.deepEqual((await agent.tool('do')).messages[0]?.result?.content, done.content);
  });

  it('requests in one body (2025-03-26) are answered each', async () => {
    onCall = ({ name }) => (name === 'odd' ? { resultType: 'odd' } : done);
    const call = (id: number, name: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });
    const { messages } = await agent.post([call(1, 'do'), { jsonrpc: '2.0', id: 2, method: 'ping' }, call(3, 'odd')]);
    assert.deepEqual(messages.map(({ id, error }) => [id, error?.code]), [[1, undefined], [2, undefined], [3, -32603]]); // prettier-ignore
  });

  it('the log level and subscriptions are checked, a second handshake is refused', async () => {
    assert.equal((await agent.call('logging/setLevel', { level: '__proto__' })).messages[0]?.error?.code, -32602);
    assert.equal((await agent.call('resources/subscribe', { uri: 'x' })).messages[0]?.error?.code, -32601);
    assert.equal((await agent.call('initialize', {})).messages[0]?.error?.code, -32600);
    assert.deepEqual((await agent.call('ping')).messages[0]?.result, {});
  });

  it('an answer that is nested without end does no harm', async () => {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return answer(message, response);
      const deep = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000);
      return json(
        response,
        `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"resultType":"complete","content":[],"deep":${deep}}}`,
      );
    };
    const { messages } = await agent.tool('do');
    assert.equal(messages.length, 1);
    upstream.script = ({ message }, response) => answer(message, response);
    onCall = () => done;
    assert.deepEqual((await agent.tool('do')).messages[0]?.result?.content, done.content);
  });

  it('the session ends: it is not known any more', async () => {
    assert.equal((await agent.send('DELETE')).status, 204);
    assert.equal((await agent.call('ping')).status, 404);
  });
});
