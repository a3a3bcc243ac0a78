/**
 * The endpoint for all servers: the merged list of 50 servers with 20 tools each, over HTTP, as an agent asks for it. Part of
 * `npm run bench`; alone: `npx tsx test/bench/merged.ts`. Aims are reported as met or missed.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openHeadless } from '../../src/cli/headless';
import { silentLogger } from '../../src/shared/logger';
import { table } from './report';
import { percentile } from './stats';

const SERVERS = 50;
const TOOLS = 20;
const LISTS = 300;
const WARM_UP = 50;
const AIM_MS = 10;

interface Line {
  readonly what: string;
  readonly value: string;
  readonly met?: boolean;
}

/** Tools of usual size: a kilobyte each. */
function tools(server: string): object[] {
  return Array.from({ length: TOOLS }, (_, i) => ({
    name: `action_${String(i)}`,
    description: `Does the action number ${String(i)} of ${server}. ${'It has a description of usual length. '.repeat(8)}`,
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(
        ['owner', 'repository', 'title', 'body', 'labels'].map((name) => [
          name,
          { type: 'string', description: `The ${name} to use for it.` },
        ]),
      ),
      required: ['owner'],
    },
  }));
}

/** All upstreams in one process, without sessions, by their paths. */
async function upstreams(): Promise<{ origin: string; stop: () => void }> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, stop: () => void server.close() };
}

/** What a plain server answers to `floor`: the bytes of the merged list. */
let floor = '';

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  const { id, method } = (text === '' ? {} : JSON.parse(text)) as { id?: number; method?: string };
  if (id === undefined) {
    response.writeHead(request.method === 'POST' ? 202 : 405).end();
    return;
  }
  if (method === 'floor') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(floor) }).end(floor);
    return;
  }
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bench', version: '1' } }
      : method === 'tools/list'
        ? { tools: tools(request.url ?? '') }
        : { content: [{ type: 'text', text: 'done' }] };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}

/** A client with one connection that measures whole answers. */
class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly #headers: Record<string, string>;
  #id = 0;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
  }

  async initialize(): Promise<void> {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
    const { session } = await this.post('initialize', params);
    if (session !== undefined) this.#headers['mcp-session-id'] = session;
  }

  post(method: string, params: object): Promise<{ session: string | undefined; bytes: number; text: string }> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: (this.#id += 1), method, params });
    return new Promise((resolve, reject) => {
      const request = http.request(this.#url, { method: 'POST', agent: this.#agent, headers: this.#headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const session = response.headers['mcp-session-id'];
          const whole = Buffer.concat(chunks);
          resolve({ session: typeof session === 'string' ? session : undefined, bytes: whole.length, text: whole.toString() });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function listed(client: Client): Promise<{ count: number; bytes: number; text: string }> {
  const { bytes, text } = await client.post('tools/list', {});
  return { count: (JSON.parse(text) as { result: { tools: unknown[] } }).result.tools.length, bytes, text };
}

async function times(count: number, act: () => Promise<unknown>): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const start = performance.now();
    await act();
    all.push(performance.now() - start);
  }
  return all;
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  return (await times(1, act))[0] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

async function measured(folder: string): Promise<Line[]> {
  const { origin, stop } = await upstreams();
  const names = Array.from({ length: SERVERS }, (_, i) => `server-${String(i)}`);
  const file = join(folder, '.vscode', 'mcp-secrets.json');
  mkdirSync(dirname(file));
  writeFileSync(file, JSON.stringify({ servers: Object.fromEntries(names.map((name) => [name, { url: `${origin}/${name}` }])) }));
  const headless = openHeadless(folder, { MCP_SECRETS_HOME: join(folder, 'state') }, silentLogger);
  for (const server of headless.servers.file().servers.values()) await headless.approvals.approve(server, 'cli');
  const { proxy, agents } = headless.proxy({ ports: [], callTimeoutMs: () => 60_000 });
  const { url } = await proxy.start();
  const token = agents.issueTemporary('bench');
  const [client, single, finder] = ['/mcp', '/mcp/server-0', '/mcp?mode=search'].map((path) => new Client(`${url}${path}`, token));
  if (client === undefined || single === undefined || finder === undefined) throw new Error('no clients');
  try {
    const first = await timed(async () => {
      await client.initialize();
      // Servers that are late join later.
      while ((await listed(client)).count < SERVERS * TOOLS) await new Promise((resolve) => setTimeout(resolve, 50));
    });
    const { bytes, text } = await listed(client);
    await times(WARM_UP, () => client.post('tools/list', {}));
    floor = text;
    const plain = new Client(origin, '');
    await times(WARM_UP, () => plain.post('floor', {}));
    const lists: number[] = [];
    const floors: number[] = [];
    // In turns: whatever the machine does meanwhile happens to both.
    for (let i = 0; i < LISTS; i += 1) {
      lists.push(await timed(() => client.post('tools/list', {})));
      floors.push(await timed(() => plain.post('floor', {})));
    }
    plain.close();
    await single.initialize();
    await finder.initialize();
    const call = { arguments: {} };
    await times(WARM_UP, () => client.post('tools/call', { ...call, name: 'server-0__action_1' }));
    await times(WARM_UP, () => single.post('tools/call', { ...call, name: 'action_1' }));
    const merged = await times(LISTS, () => client.post('tools/call', { ...call, name: 'server-0__action_1' }));
    const direct = await times(LISTS, () => single.post('tools/call', { ...call, name: 'action_1' }));
    const find = { name: 'find_tools', arguments: { query: 'action repository title' } };
    await times(WARM_UP, () => finder.post('tools/call', find));
    const finds = await times(LISTS, () => finder.post('tools/call', find));
    const p50 = percentile(lists, 0.5);
    const all = `${String(SERVERS)} × ${String(TOOLS)} tools`;
    return [
      { what: `all ${all} are listed for the first time, with all handshakes`, value: ms(first) },
      { what: `list of ${all} once warm (${String(Math.round(bytes / 1024))} KB), p50`, value: ms(p50), met: p50 < AIM_MS },
      { what: '  p99', value: ms(percentile(lists, 0.99)) },
      { what: '  the same bytes from a plain server, p50', value: ms(percentile(floors, 0.5)) },
      { what: 'a call, p50', value: ms(percentile(merged, 0.5)) },
      { what: '  the same at /mcp/<server>, p50', value: ms(percentile(direct, 0.5)) },
      { what: 'find_tools among all, p50', value: ms(percentile(finds, 0.5)) },
    ];
  } finally {
    for (const each of [client, single, finder]) each.close();
    await proxy.stop();
    await headless.close();
    stop();
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mcps-bench-merged-'));
  try {
    const lines = await measured(folder);
    const aim = `< ${String(AIM_MS)} ms`;
    const rows = lines.map(({ what, value, met }) => [
      what,
      value,
      met === undefined ? '' : aim,
      met === undefined ? '' : met ? 'met' : 'missed',
    ]);
    console.log(table(['all servers at one endpoint', 'value', 'aim', 'result'], rows));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
