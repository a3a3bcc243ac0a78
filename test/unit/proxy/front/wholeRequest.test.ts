import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { wholeRequest } from '../../../../src/proxy/front/wholeRequest';
import { anyText } from '../../support/arbitraries';

/** What a reader makes of a request. The body is in latin1. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `node:http`, which tells what it reads. */
class Reference {
  readonly #server: Server;
  #seen: Seen[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.maxHeadersCount = 0;
    server.on('request', (incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const { method = '', url = '', headers } = incoming;
        this.#seen.push({ method, url, headers: { ...headers }, body: Buffer.concat(chunks).toString('latin1') });
      });
      incoming.on('error', () => undefined);
      response.on('error', () => undefined);
      response.end();
    });
  }

  static async start(): Promise<Reference> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Reference(server);
  }

  /** The requests in these bytes, on a connection that ends after them. */
  async read(bytes: Buffer): Promise<Seen[]> {
    this.#seen = [];
    const client = connect((this.#server.address() as AddressInfo).port, '127.0.0.1');
    client.on('error', () => undefined).resume();
    client.end(bytes);
    await once(client, 'close');
    return this.#seen;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function ours(bytes: Buffer): Seen | undefined {
  const request = wholeRequest(bytes);
  return request === undefined ? undefined : { ...request, headers: { ...request.headers }, body: request.body.toString('latin1') };
}

/** Mostly the first, sometimes one of the others. */
function mostly(usual: string, ...others: string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 100, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
const path = fc.array(visible, { maxLength: 12 }).map((characters) => `/${characters.join('')}`);
const target = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('/mcp/one', '/', '/mcp?server=a&b=%20', '/health', '//mcp/one', '/mcp/../one', '/a#b?c') },
  { weight: 12, arbitrary: path },
  {
    weight: 1,
    arbitrary: fc.constantFrom('http://127.0.0.1/mcp', '*', 'mcp', '', '/a b', '/\xf6', '/\0', '/\x7f', '/\t', '127.0.0.1:80', '/\u00a0'),
  },
);

const value = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .array(
        fc.oneof(
          { weight: 800, arbitrary: visible },
          { weight: 100, arbitrary: fc.constant(' ') },
          { weight: 1, arbitrary: fc.constant('\t') },
        ),
        { maxLength: 20 },
      )
      .map((all) => all.join('')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('a\rb', 'a\nb', 'a\0b', '\x7f', '\x01', 'gr\xfcn', 'a\r\n b', 'a\r\n\tb', '\x80', '\x0b', '\x0c'),
  },
);
const NAMES = [
  'Authorization', 'content-type', 'Content-Type', 'Accept', 'Mcp-Session-Id', 'mcp-protocol-version', 'MCP-Method', 'User-Agent', 'Origin',
  'X-Custom', 'x.y', "!#$%&'*+-.^_`|~", 'Cookie', 'Referer', 'Content-Encoding', 'Age', 'ETag', 'If-Match', 'Last-Event-Id', 'Keep-Alive',
] as const; // prettier-ignore
const ODD_NAMES = [
  'Set-Cookie', 'Transfer-Encoding', 'Expect', 'Upgrade', 'Trailer', 'TE', 'Proxy-Connection', 'HTTP2-Settings', 'Connection', 'Host',
  'Content-Length', '__proto__', 'constructor', 'toString', '', 'a b', 'a\0', 'gr\xfcn', ' x', '\tx', 'x ', 'a:b', '"', 'a/b', '@',
] as const; // prettier-ignore
const name = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 6, arbitrary: fc.stringMatching(/^[A-Za-z-]{1,8}$/) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD_NAMES) },
);
const space = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(' ', '', '  ') },
  { weight: 1, arbitrary: fc.constantFrom('\t', ' \t ') },
  { weight: 1, arbitrary: fc.constantFrom('\x0b', '\xa0', '\x0c') },
);
const colon = mostly(':', ' :', '', '\t:', '::');
const end = mostly('\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\n ', '\r\n\r\n', '');
const field = (names: fc.Arbitrary<string>, values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(names, colon, space, values, fc.oneof({ weight: 4, arbitrary: fc.constant('') }, space), end).map((parts) => parts.join(''));

const body = fc.oneof(
  fc.constantFrom('', '{}', '{"jsonrpc":"2.0","id":1,"method":"ping"}', '\r\n\r\n', 'POST / HTTP/1.1\r\n\r\n'),
  anyText(0, 30).map((text) => Buffer.from(text).toString('latin1')),
);
const special = fc.constantFrom(
  'Transfer-Encoding: chunked\r\n', 'transfer-encoding:identity\r\n', 'Expect: 100-continue\r\n', 'Expect: x\r\n', 'Upgrade: h2c\r\n',
  'Connection: close\r\n', 'Connection: Keep-Alive\r\n', 'Connection: keep-alive \t\r\n', 'Connection: upgrade\r\n', 'Connection: x\r\n',
  'Connection: keep-alive, close\r\n', 'Connection:\r\n', 'Set-Cookie: a=b\r\n', 'Host: b\r\n', 'Content-Length: 3\r\n', 'TE: trailers\r\n',
); // prettier-ignore

/** Requests of which most have nothing wrong, and some one thing or two. In latin1. */
const requests = fc
  .record({
    line: fc
      .tuple(
        mostly('POST', 'post', 'GET', 'PUT', 'POSTS', 'POST\t', ' POST', 'P', 'OPTIONS', '\r\nPOST'),
        mostly(' ', '  ', '\t', ''),
        target,
        mostly(' ', '  ', '\t', ''),
        mostly('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1', '', 'HTTP/11', 'HTTP/1.1\t'),
        end,
      )
      .map((parts) => parts.join('')),
    host: fc.oneof(
      { weight: 20, arbitrary: field(mostly('Host', 'host', 'HOST'), mostly('127.0.0.1:1', '', 'a b', 'h', '[::1]', 'a,b')) },
      { weight: 1, arbitrary: fc.constant('') },
    ),
    fields: fc.uniqueArray(field(name, value), { maxLength: 6, selector: (one) => one.split(':')[0]?.toLowerCase() }),
    twice: fc.nat(15),
    special: fc.oneof({ weight: 5, arbitrary: fc.constant('') }, special),
    length: fc.record({
      name: mostly('Content-Length', 'content-length', 'CONTENT-LENGTH', 'Content-length'),
      write: fc.oneof(
        { weight: 14, arbitrary: fc.constant((n: number) => ` ${String(n)}`) },
        {
          weight: 1,
          arbitrary: fc.constantFrom<((n: number) => string)[]>(
            (n) => String(n),
            (n) => ` ${String(n)} `,
            (n) => `\t${String(n)}\t`,
            (n) => ` 00${String(n)}`,
            (n) => ` 0000000000000${String(n)}`,
            (n) => ` +${String(n)}`,
            (n) => ` -${String(n)}`,
            (n) => ` 0x${n.toString(16)}`,
            (n) => ` ${String(n)}, ${String(n)}`,
            (n) => ` ${String(n)}.0`,
            (n) => ` ${String(n + 1)}`,
            (n) => ` ${String(n - 1)}`,
            () => '',
            () => ' 99999999999999999999',
          ),
        },
      ),
    }),
    lengthAt: fc.nat(7),
    noLength: fc.nat(20).map((n) => n === 0),
    body,
    after: mostly('', '\r\n', ' ', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', 'x'),
    blank: mostly('\r\n', '\n', '', '\r', ' \r\n'),
  })
  .map((parts) => {
    const fields = [...parts.fields, parts.special];
    if (parts.twice === 0) fields.push(fields[0] ?? '');
    const length = parts.noLength ? '' : `${parts.length.name}:${parts.length.write(parts.body.length)}\r\n`;
    fields.splice(parts.lengthAt, 0, length);
    return `${parts.line}${parts.host}${fields.join('')}${parts.blank}${parts.body}${parts.after}`;
  });

/** One byte that is there, or not, or another one. */
const slip = fc.oneof(
  { weight: 2, arbitrary: fc.constant(undefined) },
  fc.record({ at: fc.nat(), remove: fc.nat(1), byte: fc.oneof(fc.constantFrom(0, 9, 10, 13, 32, 58), fc.nat(255)) }),
);

const damaged = fc.tuple(requests, slip).map(([text, wrong]) => {
  if (wrong === undefined) return text;
  const at = wrong.at % (text.length + 1);
  return text.slice(0, at) + String.fromCharCode(wrong.byte) + text.slice(at + wrong.remove);
});

/** As agents send them. */
const ordinary = fc
  .record({
    url: path,
    host: fc.constantFrom('127.0.0.1:4717', 'localhost', '[::1]:80'),
    fields: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.stringMatching(/^(?:[!-~](?:[ -~]{0,20}[!-~])?)?$/)), {
      maxLength: 8,
      selector: ([one]) => one.toLowerCase(),
    }),
    keepAlive: fc.constantFrom('', 'Connection: keep-alive\r\n', 'connection: Keep-Alive\r\n'),
    body: anyText(0, 40),
  })
  .map(({ url, host, fields, keepAlive, body: text }) => ({
    bytes: Buffer.from(
      `POST ${url} HTTP/1.1\r\nHost: ${host}\r\n${keepAlive}${fields.map(([one, said]) => `${one}: ${said}\r\n`).join('')}` +
        `Content-Length: ${String(Buffer.byteLength(text))}\r\n\r\n${text}`,
    ),
    url,
    fields,
    text,
  }));

const post = (lines: readonly string[], text = '{}'): Buffer =>
  Buffer.from(['POST /mcp/one HTTP/1.1', ...lines, '', text].join('\r\n'), 'latin1');
const HOST = 'Host: 127.0.0.1';
const LENGTH = 'Content-Length: 2';

describe('the reader of whole requests', function () {
  this.timeout(60_000);
  let reference: Reference;

  before(async () => {
    reference = await Reference.start();
  });

  after(() => {
    reference.stop();
  });

  const assertAgrees = async (bytes: Buffer): Promise<boolean> => {
    const seen = ours(bytes);
    if (seen === undefined) return false;
    assert.deepEqual([seen], await reference.read(bytes), JSON.stringify(bytes.toString('latin1')));
    return true;
  };

  it('reads whatever it reads as node:http does', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        if (await assertAgrees(Buffer.from(text, 'latin1'))) read += 1;
      }),
      { numRuns: 1_500 },
    );
    assert.ok(read > 200, `only ${String(read)} of them were read`);
  });

  it('reads every ordinary request, and no beginning of one', async () => {
    await fc.assert(
      fc.asyncProperty(ordinary, async ({ bytes, url, fields, text }) => {
        const request = wholeRequest(bytes);
        assert.equal(request?.method, 'POST');
        assert.equal(request.url, url);
        assert.equal(request.body.toString(), text);
        for (const [one, said] of fields) assert.equal(request.headers[one.toLowerCase()], said);
        for (let cut = 0; cut < bytes.length; cut += 1) assert.equal(wholeRequest(bytes.subarray(0, cut)), undefined);
        await assertAgrees(bytes);
      }),
      { numRuns: 100 },
    );
  });

  it('leaves to node:http what has more than one meaning, or another one', () => {
    assert.notEqual(wholeRequest(post([HOST, LENGTH])), undefined);
    for (const lines of [
      [LENGTH],
      [HOST],
      [HOST, HOST, LENGTH],
      [HOST, LENGTH, LENGTH],
      [HOST, LENGTH, 'content-length: 2'],
      [HOST, 'Content-Length: 1'],
      [HOST, 'Content-Length: 3'],
      [HOST, 'Content-Length: 0x2'],
      [HOST, 'Content-Length: +2'],
      [HOST, 'Content-Length: 2, 2'],
      [HOST, 'Content-Length:'],
      [HOST, LENGTH, 'Transfer-Encoding: chunked'],
      [HOST, LENGTH, 'transfer-encoding: identity'],
      [HOST, LENGTH, 'Expect: 100-continue'],
      [HOST, LENGTH, 'Upgrade: websocket'],
      [HOST, LENGTH, 'Connection: close'],
      [HOST, LENGTH, 'Connection: keep-alive, upgrade'],
      [HOST, LENGTH, 'A: b', 'a: c'],
      [HOST, LENGTH, 'A: b', ' c'],
      [HOST, LENGTH, 'A: b\n\tc'],
      [HOST, LENGTH, 'A : b'],
      [HOST, LENGTH, 'A: b\rc'],
      [HOST, LENGTH, 'A: b\nC: d'],
      [HOST, LENGTH, 'A: b\0'],
      [HOST, LENGTH, 'A: \xe9'],
      [HOST, LENGTH, 'no colon'],
      [HOST, LENGTH, '__proto__: x'],
      [HOST, LENGTH, 'constructor: x'],
    ])
      assert.equal(wholeRequest(post(lines)), undefined, JSON.stringify(lines));
    for (const more of ['\r\n', ' ', '\0', post([HOST, LENGTH]).toString()])
      assert.equal(wholeRequest(post([HOST, LENGTH], `{}${more}`)), undefined);
    const text = post([HOST, LENGTH]).toString();
    for (const line of [
      'GET /mcp/one HTTP/1.1',
      'post /mcp/one HTTP/1.1',
      'POST /mcp/one HTTP/1.0',
      'POST http://a/mcp/one HTTP/1.1',
      'POST * HTTP/1.1',
    ])
      assert.equal(wholeRequest(Buffer.from(text.replace(/^.*/, line))), undefined, line);
    for (const start of ['\r\n', '\n', ' ', '\0']) assert.equal(wholeRequest(Buffer.from(start + text)), undefined);
    assert.equal(wholeRequest(Buffer.from(text.replaceAll('\r\n', '\n'))), undefined);
    assert.equal(wholeRequest(Buffer.alloc(0)), undefined);
  });

  it('agrees about the white space around a length', async () => {
    for (const length of [' 2', '2', ' 2 ', '\t2', ' 2\t', '2 \t ', ' 002', '000000002'])
      await assertAgrees(post([HOST, `Content-Length:${length}`]));
  });

  it('agrees about headers of which node:http makes lists', async () => {
    for (const one of ['Set-Cookie: a=b', 'Cookie: a=b', 'Accept: a, b', 'Warning: x']) await assertAgrees(post([HOST, LENGTH, one]));
  });

  it('agrees about the largest head', async () => {
    for (const length of [16_000, ...Array.from({ length: 120 }, (_, i) => 16_270 + i), 16_400, 20_000]) {
      const one = post([HOST, LENGTH, `X: ${'x'.repeat(length)}`]);
      await assertAgrees(one);
    }
    assert.notEqual(wholeRequest(post([HOST, LENGTH, `X: ${'x'.repeat(16_000)}`])), undefined);
    assert.equal(wholeRequest(post([HOST, LENGTH, `X: ${'x'.repeat(16 * 1024)}`])), undefined);
  });

  it('is not held up by lines without an end, or by many', () => {
    const long = [
      post([HOST, LENGTH, `${' '.repeat(16_000)}x`]),
      post([HOST, LENGTH, `A:${'\t '.repeat(8_000)}\0`]),
      post([HOST, LENGTH, ...Array<string>(5_000).fill('a:')]),
    ];
    const start = performance.now();
    for (const bytes of long) for (let i = 0; i < 20; i += 1) assert.equal(wholeRequest(bytes), undefined);
    assert.ok(performance.now() - start < 2_000);
  });
});
