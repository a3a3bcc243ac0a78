import assert from 'node:assert/strict';
import { CallToolRequestSchema, ElicitResultSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ServerResponse } from 'node:http';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { TestClient } from './support/client';
import { until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { serverScript } from './support/programs';
import { SdkServer } from './support/sdkServer';
import { Stream } from './support/stream';
import { Workplace } from './support/workplace';

const TEXT_1 = 'demo://resource/dynamic/text/1';

/** Asks the user which name it has, and says what came back. */
function asker(name: string): Promise<SdkServer> {
  return SdkServer.start(name, { tools: {} }, (server) => {
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [{ name: 'ask', inputSchema: { type: 'object' } }] }));
    server.setRequestHandler(CallToolRequestSchema, async (_request, { sendRequest }) => {
      const answer = await sendRequest(
        {
          method: 'elicitation/create',
          params: { mode: 'form', message: name, requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
        },
        ElicitResultSchema,
      );
      return { content: [{ type: 'text', text: `${name} heard ${JSON.stringify(answer)}` }] };
    });
  });
}

describe('all servers at one endpoint: both sides speak', function () {
  this.timeout(180_000);
  const place = new Workplace();
  const askers: SdkServer[] = [];
  let client: TestClient;

  before(async () => {
    for (const name of ['one', 'two']) await place.addStdio(name, [process.execPath, serverScript('everything'), 'stdio']);
    for (const name of ['left', 'right']) {
      const server = await asker(name);
      askers.push(server);
      await place.addHttp(name, server.url);
    }
    const serving = await place.serve();
    client = await TestClient.all(serving);
  });

  after(async () => {
    await client.close();
    await place.close();
    await Promise.all(askers.map((server) => server.stop()));
  });

  it('declares what any of them can do', async () => {
    const { capabilities, instructions } = await client.greeting();
    assert.deepEqual(capabilities.resources, { subscribe: true, listChanged: true });
    assert.deepEqual(capabilities.tools, { listChanged: true });
    assert.deepEqual(capabilities.prompts, { listChanged: true });
    assert.ok(capabilities.logging !== undefined && capabilities.completions !== undefined);
    assert.match(instructions ?? '', /# one\n\n[^]*# two\n\n/);
  });

  it('progress reaches the caller, and each call its own', async () => {
    const heard = await Promise.all(
      [2, 3, 4].map(async (steps) => {
        const totals: unknown[] = [];
        const name = steps % 2 === 0 ? 'one__trigger-long-running-operation' : 'two__trigger-long-running-operation';
        await client.client.callTool({ name, arguments: { duration: 0.5, steps } }, undefined, {
          onprogress: ({ total }) => void totals.push(total),
        });
        return totals;
      }),
    );
    assert.deepEqual(
      heard,
      [2, 3, 4].map((steps) => Array.from({ length: steps }, () => steps)),
    );
  });

  it('a call is cancelled at the server that works on it', async () => {
    const controller = new AbortController();
    const call = client.client.callTool(
      { name: 'one__trigger-long-running-operation', arguments: { duration: 20, steps: 200 } },
      undefined,
      {
        signal: controller.signal,
        onprogress: ({ progress }) => {
          if (progress === 2) controller.abort(new Error('enough'));
        },
      },
    );
    await assert.rejects(call, /enough/);
    assert.equal(await client.text('one__echo', { message: 'still here' }), 'Echo: still here');
    const [line] = await place.audited(1, (entry) => entry.tool === 'trigger-long-running-operation' && entry.outcome === 'error');
    assert.deepEqual([line?.errorKind, line?.server], ['cancelled', 'one']);
  });

  it('several servers ask at once, and each gets its own answer', async () => {
    client.elicitAnswer = { action: 'accept', content: { name: 'Ada' } };
    const texts = await Promise.all(['left', 'right', 'left', 'right'].map((name) => client.text(`${name}__ask`)));
    assert.deepEqual(
      texts,
      ['left', 'right', 'left', 'right'].map((name) => `${name} heard {"action":"accept","content":{"name":"Ada"}}`),
    );
    assert.deepEqual(client.elicitations.map(({ message }) => message).sort(), ['left', 'left', 'right', 'right']);
  });

  it('a server asks for sampling and for roots, and again when they change', async () => {
    assert.match(await client.text('two__trigger-sampling-request', { prompt: 'say something', maxTokens: 9 }), /the sampled words/);
    assert.match(await client.text('one__get-roots-list'), /file:\/\/\/first/);
    client.roots = [{ uri: 'file:///second', name: 'second' }];
    await client.client.sendRootsListChanged();
    for (const name of ['one', 'two'])
      await until('the roots were read again', async () => (await client.text(`${name}__get-roots-list`)).includes('file:///second'));
  });

  it('resources that both list have URIs that say whose they are, and these can be read', async () => {
    const { resources } = await client.client.listResources();
    const uris = resources.map(({ uri }) => uri);
    assert.equal(new Set(uris).size, uris.length);
    assert.ok(uris.length > 0);
    for (const uri of uris) {
      assert.match(uri, /^mcp-secrets:(?:one|two):demo:/);
      const { contents } = await client.client.readResource({ uri });
      assert.equal(contents[0]?.uri, uri);
    }
    const plain = uris[0]?.replace(/^mcp-secrets:one:/, '') ?? '';
    await assert.rejects(client.client.readResource({ uri: plain }), /Several servers.*mcp-secrets:one:.*mcp-secrets:two:/);
  });

  it('templates are offered and completed by the server that they are from', async () => {
    const { resourceTemplates } = await client.client.listResourceTemplates();
    const template = resourceTemplates.find(({ uriTemplate }) => uriTemplate.startsWith('mcp-secrets:two:'))?.uriTemplate;
    assert.ok(template !== undefined);
    const { completion } = await client.client.complete({
      ref: { type: 'ref/resource', uri: template },
      argument: { name: 'resourceId', value: '1' },
    });
    assert.ok(completion.values.length > 0);
    const { contents } = await client.client.readResource({ uri: `mcp-secrets:two:${TEXT_1}` });
    assert.match(JSON.stringify(contents), /text/);
  });

  it('prompts are offered, got and completed', async () => {
    const { prompts } = await client.client.listPrompts();
    assert.deepEqual(
      prompts.map(({ name }) => name).filter((name) => /^(?:one|two)__completable-prompt$/.test(name)),
      ['one__completable-prompt', 'two__completable-prompt'],
    );
    const { messages } = await client.client.getPrompt({ name: 'two__args-prompt', arguments: { city: 'Rome', state: 'Lazio' } });
    assert.match(JSON.stringify(messages), /Rome/);
    const { completion } = await client.client.complete({
      ref: { type: 'ref/prompt', name: 'one__completable-prompt' },
      argument: { name: 'department', value: 'E' },
    });
    assert.deepEqual(completion.values, ['Engineering']);
  });

  it('a subscription brings updates under the URI that was subscribed to, until it ends', async () => {
    const uri = `mcp-secrets:two:${TEXT_1}`;
    await client.client.subscribeResource({ uri });
    await client.text('two__toggle-subscriber-updates');
    await until('an update', () => client.updated.includes(uri));
    assert.ok(!client.updated.includes(TEXT_1));
    await client.client.unsubscribeResource({ uri });
    assert.match(await client.text('two__toggle-subscriber-updates'), /Stopped/);
  });

  it('the log level is set at all, and log messages say where they are from', async () => {
    await client.client.setLoggingLevel('debug');
    for (const name of ['one', 'two']) {
      await client.text(`${name}__toggle-simulated-logging`);
      await until(`a log message of ${name}`, () =>
        client.logs.some(({ logger, data }) => logger?.split('/')[0] === name && /-level|level-/.test(String(data))),
      );
      assert.match(await client.text(`${name}__toggle-simulated-logging`), /Stopped/);
    }
  });

  it('a new resource is announced, and a link in a result can be read by its URI', async () => {
    const before = client.listChanges;
    const result = await client.client.callTool({
      name: 'one__gzip-file-as-resource',
      arguments: { name: 'small.gz', data: 'data:text/plain,hello', outputType: 'resourceLink' },
    });
    const [link] = result.content as { type: string; uri: string }[];
    assert.equal(link?.type, 'resource_link');
    await until('list_changed', () => client.listChanges > before);
    const { contents } = await client.client.readResource({ uri: link.uri });
    assert.ok('blob' in (contents[0] ?? {}));
  });

  it('what nobody can place is refused in the words of the protocol', async () => {
    await assert.rejects(client.client.callTool({ name: 'nobody__echo', arguments: {} }), /-32602.*Unknown tool: nobody__echo/);
    // A name that its server does not list is for that server, and for what is decided about it, to refuse.
    const refused = await client.client.callTool({ name: 'one__nothing', arguments: {} }).then((result) => JSON.stringify(result), String);
    assert.match(refused, /nothing/);
    assert.doesNotMatch(refused, /one__nothing/);
    await assert.rejects(client.client.getPrompt({ name: '__proto__' }), /-32602.*Unknown prompt/);
    await assert.rejects(client.client.readResource({ uri: 'mcp-secrets:nobody:x' }), /Several servers|-32002/);
    await assert.rejects(client.client.request({ method: 'x/unheard' }, ElicitResultSchema), /-32601/);
  });
});

describe('all servers at one endpoint: what a server says of what is not its own', function () {
  this.timeout(60_000);
  let local: LocalProxy;
  let working: ScriptedUpstream;
  let sly: ScriptedUpstream;
  let agent: Agent;
  /** The answer of the working server, which is not over. */
  let answer: ServerResponse | undefined;

  before(async () => {
    working = await ScriptedUpstream.start();
    sly = await ScriptedUpstream.start();
    for (const upstream of [working, sly])
      upstream.script = ({ message }, response) => {
        if (message?.method === 'tools/list') return json(response, answerTo(message, { tools: [tool] }));
        if (message?.method !== 'tools/call' || upstream === sly) return false;
        answer = response.writeHead(200, { 'content-type': 'text/event-stream' });
        answer.flushHeaders();
        return true;
      };
    // Who joins after the handshake is news, which would be among what is heard.
    local = await LocalProxy.start({}, { newTools: () => 'allow', mergedPatienceMs: 30_000 });
    await local.servers({ working: { url: working.url }, sly: { url: sly.url } });
    agent = new Agent(local);
    await agent.initialize();
    await until('both have their streams', () => working.streams.size === 1 && sly.streams.size === 1);
  });

  after(async () => {
    agent.close();
    await local.close();
    await working.stop();
    await sly.stop();
  });

  const tool = { name: 'work', inputSchema: { type: 'object' } };
  const progress = (n: number) => ({ method: 'notifications/progress', params: { progressToken: 'mine', progress: n } });

  it('is not handed on: neither an end nor progress', async () => {
    const stream = await Stream.open(agent);
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'working__work', _meta: { progressToken: 'mine' } } };
    const sent = agent.post(call);
    await until('the call is there', () => answer !== undefined);
    sly.say({ method: 'notifications/cancelled', params: { requestId: 1, reason: 'not yours' } });
    sly.say(progress(99));
    sly.say({ method: 'notifications/message', params: { level: 'error', data: 'after that' } });
    await stream.next('what comes after that', ({ method }) => method === 'notifications/message');
    answer?.write(event({ jsonrpc: '2.0', ...progress(1) }));
    answer?.end(event(answerTo({ id: 1 }, textResult('done'))));
    const { messages } = await sent;
    const said = [...stream.messages, ...messages].filter(({ method }) => method !== 'notifications/message');
    assert.deepEqual(
      said.map(({ method, params, result }) => [method, params?.progress, result === undefined]),
      [
        ['notifications/progress', 1, true],
        [undefined, undefined, false],
      ],
    );
    stream.response.destroy();
  });

  it('is not handed on: neither how a task stands nor that something in a browser is done', async () => {
    const stream = await Stream.open(agent);
    const sent = agent.post({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'working__work', task: { ttl: 60_000 } } });
    await until('the call is there', () => answer !== undefined && !answer.writableEnded);
    answer?.end(event(answerTo({ id: 2 }, { task: { taskId: 'task-1', status: 'working' } })));
    await sent;
    const question = { elicitationId: 'page-1', mode: 'url', url: 'https://working.example/', message: 'Sign in' };
    working.say({ id: 'q', method: 'elicitation/create', params: question });
    await stream.next('the question', ({ method }) => method === 'elicitation/create');
    const news = [
      { method: 'notifications/tasks/status', params: { taskId: 'task-1', status: 'completed' } },
      { method: 'notifications/elicitation/complete', params: { elicitationId: 'page-1' } },
    ];
    for (const server of [sly, working]) {
      for (const message of news) server.say(message);
      const after = server === sly ? 'sly is done' : 'working is done';
      server.say({ method: 'notifications/message', params: { level: 'error', data: after } });
      await stream.next('what comes after that', ({ params }) => params?.data === after);
      const heard = stream.messages.map(({ method }) => method).filter((method) => news.some((message) => message.method === method));
      assert.deepEqual(heard, server === sly ? [] : news.map(({ method }) => method));
    }
    stream.response.destroy();
  });
});
