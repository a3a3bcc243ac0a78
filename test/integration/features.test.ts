import assert from 'node:assert/strict';
import { until } from './support/eventually';
import type { FeatureClient } from './support/featureClient';
import { declared } from './support/featureClient';
import { FeaturePlace, generations, transports } from './support/featurePlace';

/** What a client answers: everything that a server can ask in the 2025-11-25 era, and something that nobody has heard of. */
const answers = {
  'sampling/createMessage': (params: unknown) => ({
    model: 'scripted',
    role: 'assistant',
    content: [{ type: 'tool_use', id: 't', name: 'look', input: params }],
    stopReason: 'toolUse',
  }),
  'roots/list': () => ({ roots: [{ uri: 'file:///project', name: 'project', _meta: { 'acme/root': true } }] }),
  'elicitation/create': (params: unknown) => ({ action: 'accept', content: { answer: 'yes' }, _meta: { 'acme/seen': params } }),
  'acme/question': (params: unknown) => ({ echoed: params, deep: [{ a: null }] }),
};

/** The questions that a server has for a client, each with what it says; the answer must come back whole. */
const questions: readonly [string, Record<string, unknown>][] = [
  [
    'sampling/createMessage',
    {
      messages: [{ role: 'user', content: { type: 'text', text: 'look it up' } }],
      maxTokens: 7,
      tools: [{ name: 'look', inputSchema: { type: 'object' } }],
      toolChoice: { mode: 'required' },
    },
  ],
  ['roots/list', {}],
  [
    'elicitation/create',
    { mode: 'form', message: 'Sure?', requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } } },
  ],
  [
    'elicitation/create in URL mode',
    { mode: 'url', elicitationId: 'e-7', url: 'https://example.com/pay?order=7#now', message: 'Please pay there, not here' },
  ],
  ['acme/question', { anything: { goes: ['here', 1.5, null] } }],
  ['ping', {}],
];

/** What a client of either era can ask for, and is told the same. */
const reads: readonly [string, Record<string, unknown>][] = [
  ['tools/list', {}],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'ui://features/widget' }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'greet', arguments: { whom: 'Ada' } }],
  ['completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'whom', value: 'A' } }],
];

/** The progress of the tool `progress`. */
const steps = [1, 2, 3].map((progress) => ({ progress, total: 3, message: `step ${String(progress)}` }));

describe('every feature of the 2025-11-25 era', function () {
  this.timeout(120_000);
  const features = new FeaturePlace();

  before(() => features.start());

  after(() => features.stop());

  for (const client of generations) {
    for (const server of generations) {
      for (const transport of transports[server]) {
        describe(`a client of ${client} and a server of ${server} by ${transport}`, () => {
          let agent: FeatureClient;

          const tool = async (name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
            const result = await agent.request('tools/call', { name, arguments: args });
            return result.structuredContent as Record<string, unknown>;
          };

          before(async () => {
            agent = await features.client(client, `${server}-${transport}`, answers);
          });

          it('the handshake carries what both sides declare, extensions and experiments too', async () => {
            assert.equal((agent.serverVersion as { name: string }).name, `features-${server}`);
            const capabilities = agent.serverCapabilities as Record<string, unknown>;
            assert.deepEqual(capabilities.extensions, { 'io.modelcontextprotocol/ui': {} });
            assert.deepEqual(capabilities.experimental, { 'acme/anything': { version: 7 } });
            assert.deepEqual((await tool('client')).client, declared);
          });

          it('tools are listed with everything that is said of them', async () => {
            const { tools } = (await agent.request('tools/list')) as { tools: Record<string, unknown>[] };
            const found = tools.find(({ name }) => name === 'params');
            assert.deepEqual(found?._meta, {
              ui: { resourceUri: 'ui://features/widget', visibility: ['model', 'app'] },
              'acme/extra': [1, 2],
            });
            assert.deepEqual(found.inputSchema, { type: 'object', 'x-unheard-of': { kept: true } });
            assert.deepEqual(found.annotations, { readOnlyHint: true, openWorldHint: false });
          });

          it('a call arrives with its _meta, and its result comes back with its own', async () => {
            const _meta = { 'acme/trace': { id: 7 }, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
            const params = { name: 'params', arguments: { list: [1, 'two', { three: null }] }, _meta };
            const result = await agent.request('tools/call', params);
            const seen = (result.structuredContent as { params: Record<string, unknown> }).params;
            assert.deepEqual(seen.arguments, params.arguments);
            assert.deepEqual((seen._meta as Record<string, unknown>)['acme/trace'], { id: 7 });
            assert.equal((seen._meta as Record<string, unknown>).traceparent, _meta.traceparent);
            assert.deepEqual(result._meta, { 'acme/from': 'server' });
          });

          it('resources, templates and the page of an app', async () => {
            const list = await agent.request('resources/list', {});
            assert.deepEqual(list.resources, [{ uri: 'ui://features/widget', name: 'widget', mimeType: 'text/html;profile=mcp-app' }]);
            assert.equal(list.nextCursor, 'page 2');
            const templates = await agent.request('resources/templates/list');
            assert.deepEqual(templates.resourceTemplates, [{ uriTemplate: 'features://{id}', name: 'by id' }]);
            const { contents } = (await agent.request('resources/read', { uri: 'ui://features/widget' })) as { contents: unknown[] };
            assert.deepEqual(contents, [
              {
                uri: 'ui://features/widget',
                mimeType: 'text/html;profile=mcp-app',
                text: '<html></html>',
                _meta: { ui: { csp: { connectDomains: ['https://example.com'] }, prefersBorder: true } },
              },
            ]);
          });

          it('an update reaches who has subscribed, and nobody after that', async () => {
            const uri = 'features://1';
            const updates = (): unknown[] => agent.heard.filter(({ method }) => method === 'notifications/resources/updated');
            await agent.request('resources/subscribe', { uri });
            await tool('touch');
            await until('the update', () => updates().length === 1);
            await agent.request('resources/unsubscribe', { uri });
            await tool('touch');
            await tool('say', { method: 'notifications/message', params: { level: 'info', data: 'after the update' } });
            await until('what was said later', () => agent.heard.some(({ params }) => JSON.stringify(params).includes('after the update')));
            assert.equal(updates().length, 1);
          });

          it('prompts and completion with its context', async () => {
            assert.deepEqual((await agent.request('prompts/list')).prompts, [
              { name: 'greet', arguments: [{ name: 'whom', required: true }] },
            ]);
            const { messages } = (await agent.request('prompts/get', { name: 'greet', arguments: { whom: 'Ada' } })) as {
              messages: unknown[];
            };
            assert.deepEqual(messages, [{ role: 'user', content: { type: 'text', text: '{"whom":"Ada"}' } }]);
            const params = {
              ref: { type: 'ref/prompt', name: 'greet' },
              argument: { name: 'whom', value: 'A' },
              context: { arguments: { tone: 'formal' } },
            };
            const { completion } = (await agent.request('completion/complete', params)) as { completion: { values: string[] } };
            assert.deepEqual(JSON.parse(completion.values[0] ?? ''), params);
          });

          it('the log level is set, and a log message keeps its structure', async () => {
            await agent.request('logging/setLevel', { level: 'warning' });
            await until('the log message', () => agent.heard.some(({ params }) => (params as { logger?: string }).logger === 'features'));
            const found = agent.heard.find(({ params }) => (params as { logger?: string }).logger === 'features');
            assert.deepEqual(found?.params, { level: 'warning', logger: 'features', data: { levelIs: 'warning' } });
          });

          for (const [what, params] of questions) {
            it(`the server asks with ${what}: the question arrives whole, and so does the answer`, async () => {
              const [method = ''] = what.split(' ', 1);
              const { answer } = (await tool('ask', { method, params })) as { answer: Record<string, unknown> };
              if (method === 'ping') {
                assert.deepEqual(answer, {});
                return;
              }
              const asked = agent.asked.findLast((question) => question.method === method);
              assert.deepEqual(asked?.params ?? {}, params);
              const expected = answers[method as keyof typeof answers](asked?.params);
              assert.deepEqual(answer, expected);
            });
          }

          it('a question that the client does not know is refused to the server', async () => {
            const { answer } = (await tool('ask', { method: 'acme/unknown-question', params: {} })) as { answer: { refused: string } };
            assert.match(answer.refused, /no acme\/unknown-question here/);
          });

          it('a URL that the user must visit first: the error has it, and its completion is told', async () => {
            const error = await agent.request('tools/call', { name: 'url_required', arguments: {} }).then(
              () => undefined,
              (thrown: unknown) => thrown as { code: number; data: unknown },
            );
            assert.equal(error?.code, -32042);
            assert.match(JSON.stringify(error.data), /"url":"https:\/\/example.com\/sign-in\?state=1"/);
            const params = { elicitationId: 'e-1' };
            await tool('say', { method: 'notifications/elicitation/complete', params });
            await until('its completion', () => agent.heard.some(({ method }) => method === 'notifications/elicitation/complete'));
            assert.deepEqual(agent.heard.find(({ method }) => method === 'notifications/elicitation/complete')?.params, params);
          });

          it('progress comes in order, with its words', async () => {
            const heard: unknown[] = [];
            await agent.request('tools/call', { name: 'progress', arguments: {} }, { onprogress: (progress) => heard.push(progress) });
            await until('all progress', () => heard.length === 3);
            assert.deepEqual(heard, steps);
          });

          it('a cancelled call is cancelled at the server', async () => {
            const controller = new AbortController();
            const call = agent.request('tools/call', { name: 'wait', arguments: {} }, { signal: controller.signal });
            await until('the call at the server', () => agent.heard.some(({ params }) => (params as { data?: string }).data === 'waiting'));
            controller.abort(new Error('enough'));
            await assert.rejects(call);
            await until('the end at the server', async () => ((await tool('cancelled')).cancelled as unknown[]).length === 1);
          });

          it('lists that change are announced', async () => {
            for (const list of ['tools', 'prompts', 'resources']) {
              const method = `notifications/${list}/list_changed`;
              await tool('say', { method, params: {} });
              await until(method, () => agent.heard.some((notification) => notification.method === method));
            }
          });

          it('methods and notifications that nobody has heard of pass both ways', async () => {
            const params = { question: 'what is this?', numbers: [1.5, -0, 1e21] };
            const answer = await agent.request('acme/unheard-of', params);
            assert.deepEqual(answer.more, { deep: [1, null, 'ä'] });
            assert.deepEqual((answer.params as typeof params).numbers, [1.5, 0, 1e21]);
            await agent.notify('notifications/acme/told', { by: 'the client' });
            await until('the notification at the server', async () => JSON.stringify((await tool('heard')).heard).includes('the client'));
            await tool('say', { method: 'notifications/acme/said', params: { by: 'the server' } });
            await until('the notification here', () => agent.heard.some(({ method }) => method === 'notifications/acme/said'));
            assert.deepEqual(agent.heard.find(({ method }) => method === 'notifications/acme/said')?.params, { by: 'the server' });
          });

          it('pings are answered, and a method that does not exist is not', async () => {
            assert.deepEqual(await agent.request('ping'), {});
            await assert.rejects(agent.request('acme/not-here', {}), { code: -32601 });
          });

          it('a stream that the server closes is taken up again where it ended', async () => {
            assert.deepEqual(await tool('reconnect'), { came: 'back' });
            const times = (data: string): number => agent.heard.filter(({ params }) => (params as { data?: unknown }).data === data).length;
            await until('everything that was said', () => times('before') > 0 && times('while nobody listened') > 0);
            assert.deepEqual([times('before'), times('while nobody listened')], [1, 1]);
          });

          // The second generation of the SDK has no tasks of this era.
          if (server === 'v1') {
            it('a call becomes a task, which is watched, fetched, listed and cancelled', async () => {
              const created = await agent.request('tools/call', { name: 'params', arguments: {}, task: { ttl: 60_000 } });
              assert.equal((created.task as { taskId: string }).taskId, 'task-1');
              assert.equal((await agent.request('tasks/get', { taskId: 'task-1' })).status, 'completed');
              const result = await agent.request('tasks/result', { taskId: 'task-1' });
              assert.deepEqual(result._meta, { 'io.modelcontextprotocol/related-task': { taskId: 'task-1' } });
              assert.equal(((await agent.request('tasks/list', {})).tasks as unknown[]).length, 1);
              assert.equal((await agent.request('tasks/cancel', { taskId: 'task-1' })).status, 'cancelled');
              await tool('say', { method: 'notifications/tasks/status', params: { taskId: 'task-1', status: 'working' } });
              await until('the status of the task', () => agent.heard.some(({ method }) => method === 'notifications/tasks/status'));
            });
          }
        });
      }
    }
  }

  for (const transport of transports.v1) {
    describe(`a client of 2026-07-28 and a server of v1 by ${transport}`, () => {
      let modern: FeatureClient;

      before(async () => {
        modern = await features.client('modern', `v1-${transport}`, answers);
      });

      it('is told what a client of the older era is told', async () => {
        const older = await features.client('v1', `v1-${transport}`, answers);
        assert.deepEqual(modern.serverVersion, older.serverVersion);
        const { extensions, experimental } = modern.serverCapabilities as Record<string, unknown>;
        assert.deepEqual([extensions, experimental], [{ 'io.modelcontextprotocol/ui': {} }, { 'acme/anything': { version: 7 } }]);
        for (const [method, params] of reads) {
          const told = await modern.request(method, params);
          for (const [field, value] of Object.entries(await older.request(method, params))) assert.deepEqual(told[field], value, method);
        }
      });

      for (const [what, params] of questions) {
        const [method = ''] = what.split(' ', 1);
        const untranslatable = /^(sampling|roots|elicitation)\//.exec(method)?.[1];
        const comes = untranslatable === undefined ? 'it is answered for the client' : 'the error says that this cannot be translated';
        it(`the server asks with ${what}: ${comes}`, async () => {
          const call = modern.request('tools/call', { name: 'ask', arguments: { method, params } });
          if (untranslatable !== undefined) {
            const message = new RegExp(`speak different revisions of MCP.*asks for ${untranslatable} `);
            await assert.rejects(call, { code: -32603, message });
            return;
          }
          const { answer } = (await call).structuredContent as { answer: { refused?: string } };
          if (method === 'ping') assert.deepEqual(answer, {});
          else assert.match(answer.refused ?? '', /-32601: This client cannot be asked/);
        });
      }

      it('a URL that the user must visit first: the error has it', () =>
        assert.rejects(modern.request('tools/call', { name: 'url_required', arguments: {} }), { code: -32042 }));

      it('progress comes in order, with its words', async () => {
        const heard: unknown[] = [];
        await modern.request('tools/call', { name: 'progress', arguments: {} }, { onprogress: (progress) => heard.push(progress) });
        await until('all progress', () => heard.length === 3);
        assert.deepEqual(heard, steps);
      });
    });
  }
});
