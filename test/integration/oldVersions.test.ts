import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, request as requestTo } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { askingTools, toolNames } from '../fixtures/eras/features';
import { startLegacyHttp } from '../fixtures/eras/legacy';
import { Agent } from './support/agent';
import type { Answer, Rpc } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { eventually, until } from './support/eventually';
import { LocalProxy } from './support/localProxy';

import { textOf } from './support/scripted';
import { Stream } from './support/stream';

const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
type Version = (typeof VERSIONS)[number];

/** From this one on agents repeat what was negotiated in a header of each later request. */
const FIRST_WITH_HEADER: Version = '2025-06-18';
/** The only one with JSON-RPC batches. */
const WITH_BATCHES: Version = '2025-03-26';

const TRANSPORTS = ['http', 'stdio'] as const;
const ENDPOINTS = ['/mcp/one', '/mcp'] as const;
const SECRET = newPlainCanary();
const MARK = '[redacted:TOKEN]';

/** An agent of one version, over bare HTTP: the SDK's client cannot be told to ask for any but the newest. */
class OldAgent {
  readonly #agent: Agent;
  readonly #version: Version;
  /** What the handshake says about later requests. */
  #headers: Record<string, string> = {};

  constructor(proxy: LocalProxy, version: Version, server: string | undefined) {
    this.#agent = new Agent(proxy, server);
    this.#version = version;
  }

  async initialize(): Promise<Answer> {
    const clientInfo = { name: 'old', version: '1' };
    const answer = await this.#agent.call('initialize', { protocolVersion: this.#version, capabilities: {}, clientInfo });
    const session = answer.headers['mcp-session-id'];
    assert.ok(typeof session === 'string', answer.body);
    this.#agent.session = session;
    if (this.#version >= FIRST_WITH_HEADER) this.#headers = { 'mcp-protocol-version': this.#version };
    assert.equal((await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status, 202);
    return answer;
  }

  post(body: unknown): Promise<Answer> {
    return this.#agent.post(body, this.#headers);
  }

  list(): Promise<Answer> {
    return this.#agent.call('tools/list', undefined, this.#headers);
  }

  tool(name: string): Promise<Answer> {
    return this.#agent.tool(name, {}, this.#headers);
  }

  listen(): Promise<Stream> {
    return Stream.open(this.#agent, this.#headers);
  }

  async end(): Promise<void> {
    assert.equal((await this.#agent.send('DELETE', undefined, this.#headers)).status, 204);
    this.#agent.close();
  }
}

/** A body or a line that a server got; the headers if it came over HTTP. */
interface Got {
  readonly body: Rpc | Rpc[];
  readonly headers?: IncomingHttpHeaders;
}

/** A real server of the SDK. What it gets is written down on the way to it. */
interface Upstream {
  /** For the servers file. */
  readonly entry: Record<string, unknown>;
  readonly got: () => Got[];
  readonly stop: () => Promise<void>;
}

/** Behind a front that passes on every byte. */
async function overHttp(): Promise<Upstream> {
  const server = await startLegacyHttp();
  const got: Got[] = [];
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method, headers } = incoming;
    const body = Buffer.concat(chunks);
    if (body.length > 0) got.push({ body: JSON.parse(body.toString()) as Rpc | Rpc[], headers });
    const onward = requestTo(server.url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders();
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy()).end(body);
    response.on('close', () => onward.destroy());
  };
  const front = createServer((incoming, response) => void pass(incoming, response));
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((front.address() as AddressInfo).port)}/mcp`;
  return {
    entry: { url, secrets: { TOKEN: { as: 'header', name: 'X-Secret' } } },
    got: () => got,
    stop: async () => {
      front.close();
      front.closeAllConnections();
      await server.stop();
    },
  };
}

/** Behind `tee`. */
function overStdio(folder: string): Upstream {
  const [file, server] = [join(folder, 'got.jsonl'), join(folder, 'server.cjs')];
  const entry = join(import.meta.dirname, '..', 'fixtures', 'erasStdio.ts');
  // Of what the SDK brings along some is CommonJS.
  buildSync({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outfile: server,
    logLevel: 'warning',
  });
  return {
    entry: {
      command: '/bin/sh',
      args: ['-c', 'tee "$0" | "$1" "$2" legacy', file, process.execPath, server],
      secrets: { TOKEN: 'env' },
    },
    got: () => {
      const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
      return lines.map((line) => ({ body: JSON.parse(line) as Rpc | Rpc[] }));
    },
    stop: () => Promise.resolve(),
  };
}

for (const version of VERSIONS)
  for (const transport of TRANSPORTS)
    for (const endpoint of ENDPOINTS)
      describe(`an agent of ${version} at ${endpoint}, a server over ${transport}`, () => {
        const isAll = endpoint === '/mcp';
        let proxy: LocalProxy | undefined;
        let upstream: Upstream;
        let agent: OldAgent;
        let stream: Stream;

        before(async function () {
          if (transport === 'stdio' && process.platform === 'win32') this.skip();
          proxy = await LocalProxy.start({ TOKEN: SECRET }, { newTools: () => 'allow', mergedPatienceMs: 30_000 });
          upstream = transport === 'http' ? await overHttp() : overStdio(proxy.folder);
          await proxy.servers({ one: upstream.entry });
          agent = new OldAgent(proxy, version, isAll ? undefined : 'one');
        });

        after(async () => {
          await proxy?.close();
          await upstream.stop();
        });

        const nameOf = (tool: string): string => (isAll ? `one__${tool}` : tool);

        /** The messages that the server got, with the headers that each came with. */
        const messages = (): { message: Rpc; headers: IncomingHttpHeaders | undefined }[] =>
          upstream.got().flatMap(({ body, headers }) => (Array.isArray(body) ? body : [body]).map((message) => ({ message, headers })));

        it('both get what was negotiated', async () => {
          const { result } = (await agent.initialize()).messages[0] ?? {};
          assert.equal(result?.protocolVersion, version);
          // A server over stdio may answer before what it got is written down.
          const asked = (): unknown[] => messages().flatMap(({ message }) => (message.method === 'initialize' ? [message.params] : []));
          await until('the handshake is there', () => asked().length > 0);
          assert.deepEqual(asked(), [{ protocolVersion: version, capabilities: {}, clientInfo: { name: 'old', version: '1' } }]);
          // Said by the server, so that it is the server's answer and no invention.
          if (!isAll) assert.deepEqual(result.serverInfo, { name: 'eras', version: '1.2.3' });
          stream = await agent.listen();
          assert.equal(stream.response.statusCode, 200);
        });

        it('tools are listed', async () => {
          const { result } = (await agent.list()).messages[0] ?? {};
          const names = (result?.tools as { name: string }[]).map(({ name }) => name);
          assert.deepEqual(names.sort(), [...toolNames, ...askingTools].map(nameOf).sort());
        });

        it('a call has its secret', async () => {
          // The server repeats it: the mark stands where exactly this value stood.
          assert.equal(textOf(await agent.tool(nameOf('leak'))), `the secret is ${MARK}`);
          const call = await eventually('the call is there', () => messages().find(({ message }) => message.method === 'tools/call'));
          assert.deepEqual(call.message.params, { name: 'leak', arguments: {} });
          if (transport === 'http') assert.equal(call.headers?.['x-secret'], SECRET);
        });

        it('a notification with a call arrives, once', async () => {
          const answer = await agent.tool(nameOf('chat'));
          assert.equal(textOf(answer), 'said');
          const heard = (): unknown[] =>
            [...stream.messages, ...answer.messages].flatMap(({ method, params }) =>
              method === 'notifications/message' && params?.level === 'error' ? [params.data] : [],
            );
          await eventually('what the server said', () => heard()[0]);
          assert.deepEqual(heard(), [`big news of ${MARK}`]);
        });

        it('a notification that belongs to no call arrives on the stream', async () => {
          await agent.tool(nameOf('grow'));
          await stream.next('the change of the list', ({ method }) => method === 'notifications/tools/list_changed');
          const { result } = (await agent.list()).messages[0] ?? {};
          assert.ok((result?.tools as { name: string }[]).some(({ name }) => name === nameOf('grown')));
        });

        if (version === WITH_BATCHES)
          it('requests in one body are answered each', async () => {
            const before = upstream.got().length;
            const answer = await agent.post([
              { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: nameOf('leak'), arguments: {} } },
              { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
              { jsonrpc: '2.0', id: 'b', method: 'tools/call', params: { name: nameOf('echo'), arguments: { text: 'x' } } },
              { jsonrpc: '2.0', id: 'c', method: 'tools/call', params: { name: nameOf('crash') } },
            ]);
            assert.equal(answer.status, 200);
            const outcome = ({ id, result, error }: Rpc): unknown[] => [id, (result?.content as object[] | undefined)?.[0] ?? error?.code];
            const outcomes = answer.messages.map(outcome).sort(([a], [b]) => String(a).localeCompare(String(b)));
            const text = (value: string): object => ({ type: 'text', text: value });
            assert.deepEqual(outcomes, [['a', text(`the secret is ${MARK}`)], ['b', text('x')], ['c', -32050]]); // prettier-ignore
            const got = (): ReturnType<typeof upstream.got> => upstream.got().slice(before);
            const methods = (): unknown[] =>
              got()
                .flatMap(({ body }) => body)
                .map(({ method }) => method);
            await until('the messages are there', () => methods().length >= 4);
            assert.deepEqual(methods().sort(), ['notifications/roots/list_changed', 'tools/call', 'tools/call', 'tools/call']);
            // It stays one where the server can take that, too.
            if (!isAll && transport === 'http') assert.equal(got().length, 1);
          });

        it('the server is told the version with each request that wants it', async () => {
          await agent.end();
          if (transport === 'stdio') return;
          const later = upstream.got().filter(({ body }) => Array.isArray(body) || body.method !== 'initialize');
          // At /mcp the proxy is the agent, and says it always.
          const wanted = isAll || version >= FIRST_WITH_HEADER ? version : undefined;
          assert.ok(later.length > 3);
          assert.deepEqual(new Set(later.map(({ headers }) => headers?.['mcp-protocol-version'])), new Set([wanted]));
        });
      });
