import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { Raw, statusesOf } from './support/raw';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** docs/security.md: a head has 10 s, a request 60 s, and who is slower is cut off within five more. The rest is for slow test machines. */
const HEAD_MS = 15_000 + 15_000;
const REQUEST_MS = 65_000 + 55_000;

/** A connection that sends a byte now and then, and how long it was let do so. */
interface Slow {
  readonly raw: Raw;
  /** ms until it was closed. */
  readonly lasted: Promise<number>;
}

describe('attacks on the front', function () {
  this.timeout(120_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  /** Begun before all else: it takes a minute until they are cut off. */
  let slowBodies: Record<'dripping' | 'stuck' | 'in chunks', Slow>;
  const drips: NodeJS.Timeout[] = [];

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.addHttp('one', upstream.url);
    serving = await place.serve();
    const head = `POST /mcp/one HTTP/1.1\r\n${host()}\r\n${token()}\r\nContent-Type: application/json\r\n`;
    const length = `${head}Content-Length: ${String(PING.length + 10_000)}\r\n\r\n`;
    slowBodies = {
      dripping: slow(`${length}${PING}`, () => ' ', 3_000),
      stuck: slow(`${length}{`),
      'in chunks': slow(`${head}Transfer-Encoding: chunked\r\n\r\n`, () => '1\r\n \r\n', 3_000),
    };
  });

  afterEach(async () => {
    assert.equal(upstream.received.length, 0, 'nothing of this reached the server');
    assert.deepEqual(await statuses('GET /health HTTP/1.1', host()), [200], 'others are served as before');
  });

  after(async () => {
    for (const drip of drips) clearInterval(drip);
    await place.close();
    await upstream.stop();
  });

  /** Sends the begin of a request, then a little of the rest at a time. */
  function slow(begin: string, next?: (count: number) => string, everyMs = 100): Slow {
    const raw = new Raw(serving.port);
    const since = performance.now();
    raw.send(begin);
    let count = 0;
    if (next !== undefined) drips.push(setInterval(() => (raw.send(next(count)), (count += 1)), everyMs));
    return { raw, lasted: raw.closed().then(() => performance.now() - since) };
  }

  const host = (): string => `Host: 127.0.0.1:${String(serving.port)}`;
  const token = (): string => `Authorization: Bearer ${serving.token}`;

  /** The statuses of one request without a body, or of whatever these lines are. */
  function statuses(...lines: string[]): Promise<number[]> {
    return statusesOf(serving.port, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
  }

  /** The statuses of one POST with these headers. */
  function post(headers: readonly string[], body = PING, line = 'POST /mcp/one HTTP/1.1'): Promise<number[]> {
    const all = [line, ...headers, `Content-Length: ${String(Buffer.byteLength(body))}`, 'Connection: close'];
    return statusesOf(serving.port, `${all.join('\r\n')}\r\n\r\n${body}`);
  }

  describe('DNS rebinding', () => {
    it('a name that leads here is refused, with an Origin, without, and with the right token', async () => {
      const port = String(serving.port);
      for (const name of [
        'evil.example',
        `evil.example:${port}`,
        `127.0.0.1.nip.io:${port}`,
        `0.0.0.0:${port}`,
        `localhost.evil.example:${port}`,
      ]) {
        const lines = [`Host: ${name}`, token(), 'Content-Type: application/json'];
        assert.deepEqual(await post(lines), [403], name);
        assert.deepEqual(await post([...lines, `Origin: http://${name}`]), [403], `${name} with its own origin`);
        assert.deepEqual(await statuses('GET /health HTTP/1.1', `Host: ${name}`), [403]);
      }
    });

    it('no Host at all is refused, in HTTP/1.0 and 1.1', async () => {
      const lines = [token(), 'Content-Type: application/json'];
      assert.deepEqual(await post(lines, PING, 'POST /mcp/one HTTP/1.0'), [403]);
      assert.deepEqual(await post(lines), [400]);
      assert.deepEqual(await statuses('GET /health HTTP/1.0'), [403]);
    });

    it('an address in the request line does not stand in for the Host', async () => {
      const own = `http://127.0.0.1:${String(serving.port)}/mcp/one`;
      const lines = [token(), 'Content-Type: application/json'];
      assert.deepEqual(await post(['Host: evil.example', ...lines], PING, `POST ${own} HTTP/1.1`), [403]);
      assert.deepEqual(await post([host(), ...lines], PING, `POST http://evil.example/mcp/one HTTP/1.1`), [404]);
      assert.deepEqual(await post([host(), ...lines], PING, `POST ${upstream.url} HTTP/1.1`), [404]);
    });

    it('odd spellings of this machine are not its name', async () => {
      const port = String(serving.port);
      for (const name of [
        '127.1',
        '2130706433',
        '0x7f.0.0.1',
        '127.0.0.1.',
        'localhost.',
        '[::ffff:127.0.0.1]',
        'user@127.0.0.1',
        '127.0.0.1\t',
      ]) {
        assert.deepEqual(await statuses('GET /health HTTP/1.1', `Host: ${name}:${port}`), [403], name);
      }
      assert.deepEqual(await statuses('GET /health HTTP/1.1', `Host: 127.0.0.1:${port}@evil.example`), [403]);
      assert.deepEqual(await statuses('GET /health HTTP/1.1', `Host: 127.0.0.1:0${port}0`), [403]);
    });

    it('a tunnel is not opened', async () => {
      assert.deepEqual(await statuses(`CONNECT ${new URL(upstream.origin).host} HTTP/1.1`, host(), token()), []);
    });
  });

  describe('a POST that a page can send without asking first', () => {
    it('is refused for want of a token, and of the type with one', async () => {
      const types = [
        'text/plain',
        'text/plain; charset=application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ];
      for (const type of types) {
        assert.deepEqual(await post([host(), `Content-Type: ${type}`]), [401], type);
        assert.deepEqual(await post([host(), `Content-Type: ${type}`, token()]), [415], type);
      }
      assert.deepEqual(await post([host(), token()]), [415], 'without a type');
    });

    it('is refused when the page calls itself nobody, or us by another scheme', async () => {
      for (const origin of ['null', '', 'file://', `https://localhost:${String(serving.port)}`, 'http://127.0.0.1']) {
        assert.deepEqual(await post([host(), token(), 'Content-Type: application/json', `Origin: ${origin}`]), [403], origin);
      }
    });

    it('never gets leave for the next one', async () => {
      const agent = new Agent(serving, 'one');
      for (const method of ['OPTIONS', 'POST', 'GET']) {
        const { headers } = await agent.send(method, undefined, {
          origin: 'https://evil.example',
          'access-control-request-method': 'POST',
        });
        assert.deepEqual(
          Object.keys(headers).filter((name) => name.startsWith('access-control')),
          [],
        );
      }
      agent.close();
    });
  });

  it('a token anywhere but in its header is none', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { token: serving.token } });
    const path = `/mcp/one?access_token=${serving.token}&authorization=Bearer%20${serving.token}`;
    const places = [
      `Cookie: authorization=${serving.token}`,
      `X-Api-Key: ${serving.token}`,
      `Proxy-Authorization: Bearer ${serving.token}`,
    ];
    assert.deepEqual(await post([host(), 'Content-Type: application/json', ...places], body, `POST ${path} HTTP/1.1`), [401]);
    assert.deepEqual(
      await post([host(), 'Content-Type: application/json'], body, `POST http://x:${serving.token}@127.0.0.1/mcp/one HTTP/1.1`),
      [401],
    );
  });

  describe('names of servers', () => {
    const paths = [
      '/mcp/one/', '/mcp/one//', '/mcp//one', '//mcp/one', '/mcp/./one', '/mcp/one/.', '/mcp/one/..', '/mcp/../mcp/one', '/mcp/..',
      '/mcp/%2e%2e', '/mcp/%2e%2e%2fone', '/mcp/one%2f', '/mcp/%2fone', '/mcp/one%00', '/mcp/one%0d%0aX:%20y', '/mcp/%6f%6e%65', '/mcp/one%20',
      '/mcp/%ef%bd%8fne', '/mcp/\u00f6ne', '/mcp/one\\..', '/mcp/one;a=b', '/mcp/one#', '/mcp/~one', '/mcp/o*', `/mcp/${'a'.repeat(65)}`,
      `/mcp/${'a/'.repeat(4000)}`, '*', 'mcp/one', '?/mcp/one', '/mcp?/one', '',
    ]; // prettier-ignore
    it('that are tricks lead nowhere', async () => {
      for (const path of paths) {
        const found = await post([host(), token(), 'Content-Type: application/json'], PING, `POST ${path} HTTP/1.1`);
        assert.ok(found.length === 1 && [400, 404].includes(found[0] ?? 0), `${path.slice(0, 50)}: ${found.join()}`);
      }
    });

    it('with bytes that no path has: 400', async () => {
      for (const byte of ['\0', '\r', '\x7f']) {
        const found = await post([host(), token(), 'Content-Type: application/json'], PING, `POST /mcp/o${byte}ne HTTP/1.1`);
        assert.deepEqual(found, [400], JSON.stringify(byte));
      }
    });

    it('that every object has are the names of no server', async () => {
      const agent = new Agent(serving, 'one');
      for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '..', '.', '...', '-', '_'])
        assert.equal((await agent.send('POST', PING, {}, `/mcp/${name}`)).messages[0]?.error?.data?.kind, 'serverUnknown', name);
      agent.close();
    });
  });

  describe('requests inside requests', () => {
    /** A request that a front which reads the lengths in another way would take for a second one. */
    const inner = (): string =>
      `POST /mcp/one HTTP/1.1\r\n${host()}\r\n${token()}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    const start = (): string => `POST /mcp/one HTTP/1.1\r\n${host()}\r\nContent-Type: application/json\r\n`;

    /** Exactly one answer, and none to what is inside. */
    async function assertOne(bytes: string, status: number): Promise<void> {
      const found = await statusesOf(serving.port, bytes);
      assert.deepEqual(found, [status], JSON.stringify(bytes.slice(0, 300)));
    }

    it('by a length and chunks', async () => {
      const chunks = `0\r\n\r\n${inner()}`;
      await assertOne(`${start()}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`, 400);
      await assertOne(`${start()}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n${chunks}`, 400);
    });

    it('by two lengths', async () => {
      await assertOne(`${start()}Content-Length: 0\r\nContent-Length: ${String(inner().length)}\r\n\r\n${inner()}`, 400);
      for (const length of ['0, 10', '+1', '-1', '0x10', '1 0', '1e1', '', '99999999999999999999'])
        await assertOne(`${start()}Content-Length: ${length}\r\n\r\n${inner()}`, 400);
    });

    it('by encodings that another reader would understand', async () => {
      for (const encoding of ['chunked, identity', 'xchunked', 'identity', 'chunked\x0b', 'gzip']) {
        const found = await statusesOf(serving.port, `${start()}Transfer-Encoding: ${encoding}\r\n\r\n0\r\n\r\n${inner()}`);
        assert.ok(found.length === 1 && [400, 401].includes(found[0] ?? 0), `${encoding}: ${found.join()}`);
      }
      await assertOne(`${start()}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner()}`, 400);
      await assertOne(`${start()} Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`, 400);
    });

    it('by chunks that are none', async () => {
      const chunked = `${start()}${token()}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      for (const chunk of ['x\r\n', '-1\r\n', '0x0\r\n\r\n', 'fffffffffffffffff\r\n', '1\n0', '2;\nxx\r\n'])
        await assertOne(`${chunked}${chunk}${inner()}`, 400);
    });

    it('by lines that end in another way, or go on in the next one', async () => {
      await assertOne(`${start()}X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`, 400);
      await assertOne(`${start()}X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner()}`, 400);
      await assertOne(`${start()}X: a\r\n\tb\r\nContent-Length: 0\r\n\r\n`, 400);
      await assertOne(`${start()}X\0: a\r\n\r\n`, 400);
    });
  });

  describe('whoever takes too much or too long', () => {
    it('headers beyond 16 KiB: 431, however they are made', async () => {
      assert.deepEqual(await statuses('GET /health HTTP/1.1', host(), `X: ${'x'.repeat(17_000)}`), [431]);
      assert.deepEqual(await statuses('GET /health HTTP/1.1', host(), ...Array.from({ length: 4_000 }, () => 'name:value')), [431]);
    });

    it('no header is lost among many', async () => {
      const many = Array.from({ length: 2_500 }, () => 'a:');
      assert.deepEqual(await statuses('GET /health HTTP/1.1', host(), ...many, 'Origin: https://evil.example'), [403]);
      assert.deepEqual(await statuses('GET /health HTTP/1.1', ...many, 'Host: evil.example'), [403]);
    });

    it('headers a byte at a time: 408 and cut off, and nobody else waits', async () => {
      const text = `GET /health HTTP/1.1\r\n${host()}\r\nX: ${'x'.repeat(10_000)}`;
      const heads = Array.from({ length: 50 }, () => slow('', (count) => text[count] ?? 'x'));
      const body = slow(
        `POST /mcp/one HTTP/1.1\r\n${host()}\r\n${token()}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      );
      assert.deepEqual(await statuses('GET /health HTTP/1.1', host()), [200]);
      const lasted = await Promise.all(heads.map((head) => head.lasted));
      for (const ms of lasted) assert.ok(ms > 9_000 && ms < HEAD_MS, `cut off after ${String(ms)} ms`);
      // A byte that comes just then makes the system throw away what was answered.
      const answers = heads.map(({ raw }) => raw.statuses.join());
      assert.deepEqual(new Set(answers.filter((answer) => answer !== '')), new Set(['408']));
      assert.deepEqual(body.raw.statuses, [], 'a body has more time than headers have');
      body.raw.close();
    });

    it('more connections than there may be: those beyond are closed, and there is room again when the others go', async () => {
      const many = Array.from({ length: 1_100 }, () => new Raw(serving.port));
      await Promise.race(many.map((raw) => raw.closed()));
      const agent = new Agent(serving, 'one', { socket: true });
      assert.equal((await agent.send('GET', undefined, {}, '/health')).status, 200, 'VS Code has an entrance of its own');
      agent.close();
      for (const raw of many) raw.close();
      await Promise.all(many.map((raw) => raw.closed()));
      await until('there is room again', async () => (await statuses('GET /health HTTP/1.1', host())).join() === '200');
    });
  });

  describe('JSON that is meant to do harm', () => {
    it('100,000 levels: refused or passed on, and nothing falls over', async () => {
      const agent = new Agent(serving, 'one');
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`;
        assert.equal((await agent.post(deep)).status, 400);
        assert.equal((await agent.post(`{"jsonrpc":"2.0","id":${deep},"method":"ping"}`)).status, 400);
        assert.equal((await agent.post(`{"jsonrpc":"2.0","id":1,"method":${deep}}`)).status, 400);
      }
      agent.close();
    });
  });

  describe('a body that never ends', () => {
    for (const kind of ['dripping', 'stuck', 'in chunks'] as const)
      it(`${kind}: 408 and cut off, after a minute`, async () => {
        const { raw, lasted } = slowBodies[kind];
        const ms = await lasted;
        assert.ok(ms > 59_000 && ms < REQUEST_MS, `cut off after ${String(ms)} ms`);
        assert.deepEqual(raw.statuses, [408]);
      });
  });
});
