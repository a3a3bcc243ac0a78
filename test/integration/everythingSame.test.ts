import assert from 'node:assert/strict';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { TestClient } from './support/client';
import { Everything } from './support/everything';

type Question = (client: Client) => Promise<unknown>;

/** What a client may ask, and get the same answer with and without the proxy. */
const questions: Record<string, Question> = {
  'what the server is': (client) => Promise.resolve([client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()]),
  ping: (client) => client.ping(),
  'the list of tools': (client) => client.listTools(),
  'a tool with text': (client) => client.callTool({ name: 'echo', arguments: { message: 'ä 😀 "quoted"\n\\u0041 \u2028' } }),
  'a tool with an image': (client) => client.callTool({ name: 'get-tiny-image', arguments: {} }),
  'a tool with annotations': (client) =>
    client.callTool({ name: 'get-annotated-message', arguments: { messageType: 'error', includeImage: true } }),
  'a tool with structured content': (client) => client.callTool({ name: 'get-structured-content', arguments: { location: 'Chicago' } }),
  'a tool with an embedded resource': (client) =>
    client.callTool({ name: 'get-resource-reference', arguments: { resourceType: 'Text', resourceId: 3 } }),
  'a tool with resource links': (client) => client.callTool({ name: 'get-resource-links', arguments: { count: 3 } }),
  'a tool with wrong arguments': (client) => client.callTool({ name: 'get-sum', arguments: { a: 'one' } }),
  'the list of resources': (client) => client.listResources(),
  'the list of resource templates': (client) => client.listResourceTemplates(),
  'a static resource': (client) => client.readResource({ uri: 'demo://resource/static/document/architecture.md' }),
  'a dynamic text resource': (client) => client.readResource({ uri: 'demo://resource/dynamic/text/7' }),
  'a dynamic binary resource': async (client) => {
    const { contents } = await client.readResource({ uri: 'demo://resource/dynamic/blob/7' });
    return contents.map((content) => ('blob' in content ? Buffer.from(content.blob, 'base64').toString() : content));
  },
  'a resource that does not exist': (client) => client.readResource({ uri: 'demo://resource/none' }),
  'the list of prompts': (client) => client.listPrompts(),
  'a prompt with arguments': (client) => client.getPrompt({ name: 'args-prompt', arguments: { city: 'Köln', state: 'NRW' } }),
  'a prompt with a resource': (client) =>
    client.getPrompt({ name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '2' } }),
  'a prompt without its arguments': (client) => client.getPrompt({ name: 'args-prompt' }),
  'a completion of a prompt': (client) =>
    client.complete({
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'name', value: 'A' },
      context: { arguments: { department: 'Engineering' } },
    }),
  'a completion of a resource template': (client) =>
    client.complete({
      ref: { type: 'ref/resource', uri: 'demo://resource/dynamic/text/{resourceId}' },
      argument: { name: 'resourceId', value: '5' },
    }),
  'the list of tasks': (client) => client.experimental.tasks.listTasks(),
};

/** The answer, or the error, without what changes from second to second. */
async function outcome(question: Question, { client }: TestClient): Promise<unknown> {
  const answer = await question(client).catch((error: unknown) => {
    assert.ok(error instanceof Error);
    return { thrown: error.message, code: (error as { code?: unknown }).code };
  });
  return JSON.parse(JSON.stringify(answer).replaceAll(/\d+:\d\d:\d\d( [AP]M)?/g, 'TIME')) as unknown;
}

for (const transport of ['stdio', 'http'] as const) {
  describe(`server-everything by ${transport}: the same as without the proxy`, function () {
    this.timeout(120_000);
    const everything = new Everything(transport);
    let direct: TestClient;
    let proxied: TestClient;

    before(async () => {
      await everything.start();
      [direct, proxied] = await Promise.all([everything.direct(), everything.proxied()]);
    });

    after(() => everything.stop());

    for (const [name, question] of Object.entries(questions)) {
      it(name, async () => {
        const [expected, actual] = await Promise.all([outcome(question, direct), outcome(question, proxied)]);
        assert.deepEqual(actual, expected);
        assert.notEqual(JSON.stringify(actual), undefined);
      });
    }

    it('but for a tool that it has not listed: that is refused', async () => {
      await assert.rejects(proxied.text('no-such-tool'), /Unknown tool: no-such-tool/);
    });

    it('many calls at once, each with its own answer', async () => {
      const texts = Array.from({ length: 40 }, (_, n) => `message ${String(n)}`);
      const answers = await Promise.all(texts.map((message) => proxied.text('echo', { message })));
      assert.deepEqual(
        answers,
        texts.map((message) => `Echo: ${message}`),
      );
    });

    it('records each request once, with its method or tool', async () => {
      // 40 calls at once, and one before.
      await everything.place.audited(41, (line) => line.tool === 'echo' && line.action === 'call' && line.outcome === 'ok');
      await everything.place.audited(1, (line) => line.method === 'prompts/list' && line.action === 'request' && line.outcome === 'ok');
      await everything.place.audited(1, (line) => line.method === 'initialize' && line.server === 'everything');
    });
  });
}
