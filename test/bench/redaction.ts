/**
 * Replies of 10 MB through a proxy with 50 bound secrets: how long nothing else gets a turn, and how fast that is beside a proxy
 * that only copies. Part of `npm run bench`; alone: `npx tsx test/bench/redaction.ts`. Aims are reported as met or missed.
 */
import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { Redactor } from '../../src/proxy/interceptors/redactor';
import { LocalProxy } from '../integration/support/localProxy';
import { table } from './report';
import { percentile } from './stats';
import { buildPrograms } from './workplace';

const SECRETS = 50;
const SIZE = 10_000_000;
const CALLS = 12;

/**
 * The longest turns of the event loop, in ms: by the clock, and by what of that was work at most. Others may have had the processor
 * meanwhile, so that the clock says too much; other threads of this process may have worked, so that its processor time does.
 */
class Turns {
  longest = 0;
  work = 0;
  #on = false;

  start(): void {
    this.#on = true;
    this.#turn();
  }

  stop(): void {
    this.#on = false;
  }

  #turn(): void {
    const began = performance.now();
    const before = process.cpuUsage();
    setImmediate(() => {
      const { user, system } = process.cpuUsage(before);
      const took = performance.now() - began;
      this.longest = Math.max(this.longest, took);
      this.work = Math.max(this.work, Math.min(took, (user + system) / 1000));
      if (this.#on) this.#turn();
    });
  }
}

/** What the upstream answers, by the name of the tool. `LEAK` is a secret. */
const KINDS: Readonly<Record<string, (leak: string) => string>> = {
  'plain text, clean': () => 'The quick brown fox jumps over the lazy dog. '.repeat(SIZE / 45),
  'source text with line breaks and quotes, clean': () => 'const x = "a";\n\tcall(`${x}`, \'b\');\n'.repeat(SIZE / 36),
  'JSON in a string, clean': () =>
    JSON.stringify(Array.from({ length: SIZE / 80 }, (_, i) => ({ id: i, path: `/src/file-${String(i)}.ts`, text: 'a "b"\n' }))),
  'base64, clean': () => randomBytes((SIZE * 3) / 4).toString('base64'),
  'source text with 300 values': (leak) => `${'const x = "a";\n\tcall(`${x}`, \'b\');\n'.repeat(SIZE / 36 / 300)}${leak}`.repeat(300),
};

/** Answers `tools/call` with the text of that name: as JSON, or as an event if the name says so. */
function upstream(leak: string): void {
  const texts = new Map(Object.entries(KINDS).map(([name, make]) => [name, make(leak)]));
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { id, params } = JSON.parse(body) as { id: number; params: { name: string } };
      const [name = '', form] = params.name.split('|');
      const json = JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: texts.get(name) ?? '' }] } });
      const type = form === 'event' ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'content-type': type }).end(form === 'event' ? `event: message\ndata: ${json}\n\n` : json);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

/** Calls a tool and reads the answer; says how long that took. */
function client(): void {
  const agent = new http.Agent({ keepAlive: true });
  process.on('message', ({ url, token, tool }: { url: string; token: string; tool: string }) => {
    const began = performance.now();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const request = http.request(url, { method: 'POST', agent, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => process.send?.({ ms: performance.now() - began, bytes }));
    });
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {} } }));
  });
}

interface Taken {
  readonly ms: number;
  readonly bytes: number;
}

async function main(): Promise<void> {
  const values = Array.from({ length: SECRETS }, () => randomBytes(20).toString('hex'));
  const secrets = Object.fromEntries(values.map((value, i) => [`SECRET_${String(i)}`, value]));
  const here = process.argv[1] ?? '';
  const options = { execArgv: ['--import', 'tsx'] };
  const servers = fork(here, ['upstream', values[7] ?? ''], options);
  const [port] = (await once(servers, 'message')) as [number];
  const url = `http://127.0.0.1:${String(port)}/mcp`;
  const floor = spawn(process.execPath, [(await buildPrograms()).floor, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(floor.stdout), 'line')) as [string];
  const copy = (JSON.parse(line) as { url: string }).url;
  const agent = fork(here, ['client'], options);
  const local = await LocalProxy.start(secrets);
  try {
    await local.servers({ one: { type: 'http', url, secrets: Object.fromEntries(Object.keys(secrets).map((name) => [name, 'header'])) } });
    const call = async (to: string, tool: string): Promise<Taken> => {
      agent.send({ url: to, token: local.token, tool });
      const [taken] = (await once(agent, 'message')) as [Taken];
      if (taken.bytes < SIZE / 2) throw new Error(`${tool}: only ${String(taken.bytes)} bytes came`);
      return taken;
    };
    const rows: string[][] = [];
    let longest = 0;
    for (const name of Object.keys(KINDS)) {
      for (const form of ['json', 'event']) {
        const tool = `${name}|${form}`;
        const ours = `http://127.0.0.1:${String(local.port)}/mcp/one`;
        for (let i = 0; i < 3; i += 1) await call(ours, tool);
        const turns = new Turns();
        const times: number[] = [];
        const copies: number[] = [];
        for (let i = 0; i < CALLS; i += 1) {
          turns.start();
          times.push((await call(ours, tool)).ms);
          turns.stop();
          copies.push((await call(copy, tool)).ms);
        }
        longest = Math.max(longest, turns.work);
        const p50 = percentile(times, 0.5);
        rows.push([
          `${name} (${form})`,
          `${turns.longest.toFixed(0)} ms`,
          `${turns.work.toFixed(0)} ms`,
          `${(SIZE / 1e6 / (p50 / 1000)).toFixed(0)} MB/s`,
          `${(p50 / percentile(copies, 0.5)).toFixed(1)} ×`,
        ]);
      }
    }
    rows.push(['the longest of all', '', `${longest.toFixed(0)} ms`, '< 50 ms', longest < 50 ? 'met' : 'missed']);
    console.log(table([`replies of 10 MB, ${String(SECRETS)} secrets`, 'longest turn', 'of it work', 'speed', 'against a copy'], rows));
    console.log('');
    console.log(table(['a small reply, 3 secrets', 'µs'], small(values.slice(0, 3))));
  } finally {
    for (const child of [servers, floor, agent]) child.kill();
    await local.close();
  }
}

/** What redaction adds to a call with a small reply, in µs. */
function small(values: readonly string[]): string[][] {
  const secrets = values.map((value, i) => ({ name: `K${String(i)}`, value: Buffer.from(value) }));
  const plain = '{"result":{"content":[{"type":"text","text":"echo: hello hello hello"}]},"jsonrpc":"2.0","id":5}';
  const text = JSON.stringify({ a: [1, 2, 3], path: 'src/x.ts', text: 'line\nline two "quoted"' }, null, 2);
  const escaped = JSON.stringify({ result: { content: [{ type: 'text', text }] }, jsonrpc: '2.0', id: 5 });
  const kept = new Redactor(secrets);
  const time = (what: string, act: () => unknown): string[] => {
    for (let i = 0; i < 20_000; i += 1) act();
    const began = process.cpuUsage();
    for (let i = 0; i < 20_000; i += 1) act();
    return [what, (process.cpuUsage(began).user / 20_000).toFixed(2)];
  };
  return [
    time('search a clean reply', () => kept.json(plain)),
    time('search a clean reply with escapes', () => kept.json(escaped)),
    time('prepare, when a value is new', () => {
      new Redactor(secrets).prepare();
    }),
  ];
}

switch (process.argv[2]) {
  case 'upstream':
    upstream(process.argv[3] ?? '');
    break;
  case 'client':
    client();
    break;
  default:
    void main();
}
