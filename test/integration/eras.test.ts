import assert from 'node:assert/strict';
import { startLegacyHttp } from '../fixtures/eras/legacy';
import { startLegacySse } from '../fixtures/eras/legacySse';
import { startModernHttp } from '../fixtures/eras/modern';
import type { RunningServer } from '../fixtures/eras/modern';
import { connectAgent } from './support/eraAgent';
import type { AgentKind, EraAgent } from './support/eraAgent';
import { eventually, until } from './support/eventually';
import { LocalProxy } from './support/localProxy';
import { fixture } from './support/programs';

const AGENTS: readonly AgentKind[] = ['v1', 'v2 legacy', 'v2 modern'];
const SERVERS = ['legacy', 'modern'] as const;
/** The second SDK has no server of the old transport, HTTP+SSE. */
const TRANSPORTS = { legacy: ['http', 'stdio', 'sse'], modern: ['http', 'stdio'] } as const;
const START = { http: startLegacyHttp, sse: startLegacySse };
const SECRET = 'eras-secret-5f2d9c81';

interface ErrorAnswer extends Error {
  readonly code?: number;
  readonly data?: Record<string, unknown>;
}

for (const agentKind of AGENTS)
  for (const serverEra of SERVERS)
    for (const transport of TRANSPORTS[serverEra])
      describe(`an agent (${agentKind}), a ${serverEra} server over ${transport}`, function () {
        this.timeout(60_000);
        const modernAgent = agentKind === 'v2 modern';
        /** A modern agent cannot be asked by a legacy server. */
        const canAsk = !(modernAgent && serverEra === 'legacy');
        let upstream: RunningServer | undefined;
        let proxy: LocalProxy;
        let agent: EraAgent;

        before(async () => {
          proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow' });
          if (transport !== 'stdio') {
            upstream = serverEra === 'modern' ? await startModernHttp('reject') : await START[transport]();
            const secrets = { TOKEN: { as: 'header', name: 'X-Secret' } };
            await proxy.servers({ one: { type: transport, url: upstream.url, secrets } });
          } else
            await proxy.servers({ one: { command: process.execPath, args: [fixture('erasStdio'), serverEra], secrets: { TOKEN: 'env' } } });
          agent = await connectAgent(agentKind, proxy, 'one');
        });

        after(async () => {
          await agent.close();
          await proxy.close();
          await upstream?.stop();
        });

        it('knows who the server is and what it can do', () => {
          assert.deepEqual(agent.serverVersion, { name: 'eras', version: '1.2.3' });
          assert.equal(agent.instructions, 'Use it well.');
          assert.deepEqual(Object.keys(agent.capabilities ?? {}).sort(), ['completions', 'logging', 'prompts', 'resources', 'tools']);
        });

        it('lists tools with everything that is said of them', async () => {
          const { tools } = (await agent.request('tools/list')) as { tools: Record<string, unknown>[] };
          const echo = tools.find(({ name }) => name === 'echo');
          assert.deepEqual(echo?._meta, { 'test.example/kept': 'echo' });
          assert.deepEqual(echo.annotations, { readOnlyHint: true });
          assert.equal((echo.outputSchema as { type: string }).type, 'object');
        });

        it('calls a tool: structured content, _meta and fields that nobody knows', async () => {
          const result = await agent.request('tools/call', {
            name: 'echo',
            arguments: { text: 'hällo 🌍' },
            _meta: { 'test.example/sent': { nested: true } },
          });
          assert.deepEqual(result.structuredContent, { text: 'hällo 🌍' });
          assert.deepEqual((result._meta as Record<string, unknown>)['test.example/echo'], { nested: true });
          assert.deepEqual(result.unknownField, { deep: [1] });
        });

        it('is told of failures of tools, and of errors with their data', async () => {
          assert.equal((await agent.tool('fail')).isError, true);
          await assert.rejects(agent.tool('crash'), (error: ErrorAnswer) => {
            assert.equal(error.code, -32050);
            assert.deepEqual(error.data, { why: 'test' });
            return true;
          });
        });

        it('never sees the secret that the server has', async () => {
          assert.equal(textOf(await agent.tool('leak')), 'the secret is [redacted:TOKEN]');
          const { contents } = (await agent.request('resources/read', { uri: 'test://secret' })) as { contents: { text: string }[] };
          assert.equal(contents[0]?.text, 'kept: [redacted:TOKEN]');
        });

        it('hears of progress', async () => {
          const steps: number[] = [];
          const result = await agent.tool('steps', {}, { onProgress: (step) => steps.push(step) });
          assert.equal(textOf(result), 'done');
          assert.deepEqual(steps, [1, 2, 3]);
        });

        it('hears the log at the level that it wants, redacted', async () => {
          await agent.setLevel('warning');
          agent.heard.length = 0;
          await agent.tool('chat', {}, modernAgent ? { logLevel: 'warning' } : {});
          const message = await eventually('the log message', () => agent.heard.find(({ method }) => method === 'notifications/message'));
          assert.deepEqual(message.params?.data, 'big news of [redacted:TOKEN]');
        });

        it('cancels a call, and the server is told', async () => {
          const abort = new AbortController();
          const call = agent.tool('wait', {}, { signal: abort.signal });
          const ended = assert.rejects(call);
          await until('the call is under way', async () => textOf(await agent.tool('waits')) === '1');
          abort.abort('enough');
          await ended;
          await until('the server has noticed', async () => textOf(await agent.tool('cancelled')) === '1');
        });

        it('reads resources, templates and prompts, and completes arguments', async () => {
          const { resources } = (await agent.request('resources/list')) as { resources: { uri: string }[] };
          assert.deepEqual(resources.map(({ uri }) => uri), ['test://static']); // prettier-ignore
          const { resourceTemplates } = await agent.request('resources/templates/list');
          assert.deepEqual(resourceTemplates, [{ uriTemplate: 'test://items/{id}', name: 'items' }]);
          const { contents } = (await agent.request('resources/read', { uri: 'test://items/7' })) as { contents: { text: string }[] };
          assert.equal(contents[0]?.text, 'content of test://items/7');
          const { messages } = (await agent.request('prompts/get', { name: 'greet', arguments: { who: 'Ada' } })) as {
            messages: { content: { text: string } }[];
          };
          assert.equal(messages[0]?.content.text, 'Hello Ada');
          const completed = await agent.request('completion/complete', {
            ref: { type: 'ref/prompt', name: 'greet' },
            argument: { name: 'who', value: 'A' },
          });
          assert.deepEqual((completed.completion as { values: string[] }).values, ['Ada', 'Alan']);
        });

        it('is told that a resource is not there', async () => {
          await assert.rejects(agent.request('resources/read', { uri: 'nothing://here' }), (error: ErrorAnswer) => {
            assert.ok([-32002, -32602].includes(error.code ?? 0), String(error.code));
            return true;
          });
        });

        it('hears of changes that it has subscribed to', async () => {
          await agent.subscribe('test://static');
          agent.heard.length = 0;
          await agent.tool('touch');
          await eventually('the update', () =>
            agent.heard.find(({ method, params }) => method === 'notifications/resources/updated' && params?.uri === 'test://static'),
          );
          await agent.tool('grow');
          await eventually('the change', () => agent.heard.find(({ method }) => method === 'notifications/tools/list_changed'));
          const { tools } = (await agent.request('tools/list')) as { tools: { name: string }[] };
          assert.ok(tools.some(({ name }) => name === 'grown'));
        });

        it('gets large results whole', async () => {
          assert.equal(textOf(await agent.tool('big', { size: 3_000_000 })).length, 3_000_000);
        });

        for (const [tool, method] of [
          ['form', 'elicitation/create'],
          ['url', 'elicitation/create'],
          ['sample', 'sampling/createMessage'],
          ['roots', 'roots/list'],
        ] as const)
          // prettier-ignore
          it(`${canAsk ? 'is asked' : 'cannot be asked'}: ${tool}`, async () => {
            agent.asked.length = 0;
            if (!canAsk) {
              await assert.rejects(agent.tool(tool), (error: ErrorAnswer) => {
                assert.equal(error.code, -32603);
                assert.match(error.message, /speak different revisions of MCP.*asks for (elicitation|sampling|roots)/);
                return true;
              });
              // Nothing is left waiting.
              assert.equal((await agent.tool('fail')).isError, true);
              return;
            }
            const result = JSON.parse(textOf(await agent.tool(tool))) as { answer: Record<string, unknown>; state: unknown };
            assert.deepEqual(agent.asked, [method]);
            const { answer } = result;
            assert.ok(answer.action === 'accept' || answer.model === 'scripted' || Array.isArray(answer.roots), JSON.stringify(answer));
          });
      });

function textOf(result: Record<string, unknown>): string {
  const [first] = result.content as { text?: string }[];
  return first?.text ?? '';
}
