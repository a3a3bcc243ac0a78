import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { RequestReader } from '../../../../src/proxy/front/requestReader';
import type { WholeRequest } from '../../../../src/proxy/front/requestReader';
import { anyText } from '../../support/arbitraries';
import { isDoneWithin } from '../../support/timing';

/** What a reader makes of the first request on a connection. */
const wholeRequest = (bytes: Buffer): WholeRequest | undefined => new RequestReader().read(bytes);

/** What a reader makes of a request: the headers without Content-Length, the body in latin1. */
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
        const others = { ...headers };
        delete others['content-length'];
        this.#seen.push({ method, url, headers: others, body: Buffer.concat(chunks).toString('latin1') });
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
  if (request === undefined) return undefined;
  // Of this one name `node:http` keeps nothing, because its headers inherit.
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([one]) => one !== '__proto__'));
  return { ...request, headers, body: request.body.toString('latin1') };
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

function slipped(text: string, wrong: { readonly at: number; readonly remove: number; readonly byte: number } | undefined): string {
  if (wrong === undefined) return text;
  const at = wrong.at % (text.length + 1);
  return text.slice(0, at) + String.fromCharCode(wrong.byte) + text.slice(at + wrong.remove);
}

const damaged = fc.tuple(requests, slip).map(([text, wrong]) => slipped(text, wrong));

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
const GET = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

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
      [HOST, LENGTH, '__proto__: x', '__proto__: x'],
      [HOST, LENGTH, '__proto__: x', '__PROTO__: y'],
      [HOST, LENGTH, 'constructor: x', 'Constructor: x'],
      [HOST, 'Content-Length: 0000000002'],
      [HOST, 'Content-Length: 2 2'],
      [HOST, 'X: Content-Length: 2'],
      [HOST, 'X-Content-Length: 2'],
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

  it('agrees about the order and the spelling of the headers, a length that is the first or the last among them', async () => {
    for (const name of ['Content-Length', 'content-length', 'CONTENT-LENGTH']) {
      const length = `${name}: 2`;
      for (const lines of [
        [HOST, length],
        [length, HOST],
        [HOST, 'A: b', length],
        [length, 'A: b', HOST],
        [HOST, length, 'A: b'],
      ])
        assert.ok(await assertAgrees(post(lines)), JSON.stringify(lines));
    }
    for (const lines of [
      [HOST, 'X: Content-Length: 7', LENGTH],
      [HOST, 'X-Content-Length: 7', LENGTH],
      [HOST, 'Content-Length-X: 7', LENGTH],
      [HOST, LENGTH, '__proto__: x'],
      [HOST, LENGTH, 'constructor: x', 'toString: y'],
    ])
      assert.ok(await assertAgrees(post(lines)), JSON.stringify(lines));
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
    // One that has become longer by its digits only.
    for (let length = 16_270; length < 16_390; length += 1) {
      const lines = [HOST, `X: ${'x'.repeat(length)}`];
      const reader = new RequestReader();
      if (reader.read(post([...lines, LENGTH])) === undefined) break;
      const longer = post([...lines, 'Content-Length: 000000002']);
      assert.ok(reader.read(longer) !== undefined);
      assert.equal((await reference.read(longer)).length, 1);
    }
  });

  it('is not held up by lines without an end, or by many', () => {
    const long = [
      post([HOST, LENGTH, `${' '.repeat(16_000)}x`]),
      post([HOST, LENGTH, `A:${'\t '.repeat(8_000)}\0`]),
      post([HOST, LENGTH, ...Array<string>(5_000).fill('a:')]),
    ];
    const read = (): void => {
      for (const bytes of long) for (let i = 0; i < 20; i += 1) assert.equal(wholeRequest(bytes), undefined);
    };
    assert.ok(isDoneWithin(2_000, read));
  });
});

/** Mostly the first, one time in so many one of the others. */
function often(share: number, usual: string, ...others: string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: share, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

/** Requests one after another on a connection: much in them comes again, and in some there is something wrong. In latin1. */
const sequences = fc
  .record({
    heads: fc.array(
      fc.record({
        url: fc.constantFrom('/mcp/one', '/mcp/two', '/mcp'),
        fields: fc.uniqueArray(
          fc.tuple(fc.constantFrom('Authorization', 'Accept', 'mcp-session-id', '__proto__'), fc.constantFrom('a', 'b', '7')),
          {
            maxLength: 3,
            selector: ([one]) => one,
          },
        ),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    /** Where the length is among the headers, and how it is written, in most of them. */
    usual: fc.record({ at: fc.nat(4), name: fc.constantFrom('Content-Length: ', 'content-length:', 'Content-Length:  ') }),
    requests: fc.array(
      fc.record({
        head: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(2)),
        at: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.nat(4)),
        name: often(
          12,
          '',
          'Content-Length: ',
          'content-length: ',
          'Content-Length:',
          'Content-Length:\t',
          'Content-Length : ',
          'Content-Lengt: ',
        ),
        zeros: often(6, '', '0', '00', '0000000', '00000000', '000000000', '+', '-', '0x'),
        spaces: often(10, '', ' ', '  ', '\t', ' 1', ',', '.'),
        more: fc.oneof({ weight: 10, arbitrary: fc.constant(0) }, fc.constantFrom(-1, 1, 10)),
        body: fc.oneof(
          body,
          fc.nat(120).map((length) => 'x'.repeat(length)),
          fc.constantFrom('5\r\n\r\n', '\r\n\r\n7', '0', '12'),
        ),
        after: often(12, '', 'x', '\r\n', 'POST / HTTP/1.1\r\n'),
        wrong: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, slip),
        cut: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.nat()),
      }),
      { minLength: 2, maxLength: 12 },
    ),
  })
  .map(({ heads, usual, requests: all }) =>
    all.map((one) => {
      const { url = '/', fields = [] } = heads[one.head % heads.length] ?? {};
      const lines = ['Host: 127.0.0.1', ...fields.map((parts) => parts.join(': '))];
      const length = `${one.name === '' ? usual.name : one.name}${one.zeros}${String(one.body.length + one.more)}${one.spaces}`;
      lines.splice(one.at ?? usual.at, 0, length);
      const text = [`POST ${url} HTTP/1.1`, ...lines, '', one.body].join('\r\n') + one.after;
      return slipped(text, one.wrong).slice(0, one.cut === undefined ? undefined : one.cut % text.length);
    }),
  );

describe('the reader of the requests on one connection', () => {
  it('reads each as if it were the first one', () => {
    let [read, recognised, left, leftInBetween] = [0, 0, 0, 0];
    fc.assert(
      fc.property(sequences, (texts) => {
        const reader = new RequestReader();
        /** Which path belongs to which head. */
        const urls = new Map<IncomingHttpHeaders, string>();
        let last: WholeRequest | undefined;
        for (const text of texts) {
          const bytes = Buffer.from(text, 'latin1');
          const request = reader.read(bytes);
          assert.deepEqual(request, wholeRequest(Buffer.from(bytes)), JSON.stringify(text));
          if (request === undefined) left += 1;
          else {
            assert.equal(urls.get(request.headers) ?? request.url, request.url);
            if (urls.has(request.headers)) recognised += 1;
            if (urls.size > 0 && last === undefined) leftInBetween += 1;
            urls.set(request.headers, request.url);
            read += 1;
          }
          last = request;
        }
      }),
      { numRuns: 3_000 },
    );
    const counts = JSON.stringify({ read, recognised, left, leftInBetween });
    assert.ok(Math.min(read, recognised, left, leftInBetween) > 1_000, counts);
  });

  const others: readonly (readonly [what: string, lines: readonly string[]])[] = [
    ['a token before the length', [HOST, 'Authorization: Bearer bbb', LENGTH, 'Accept: a']],
    ['a header after the length', [HOST, 'Authorization: Bearer aaa', LENGTH, 'Accept: b']],
    ['a host', ['Host: 127.0.0.2', 'Authorization: Bearer aaa', LENGTH, 'Accept: a']],
    ['the name of a header', [HOST, 'Authorization: Bearer aaa', LENGTH, 'Accepx: a']],
    ['the case of a name', [HOST, 'authorization: Bearer aaa', LENGTH, 'Accept: a']],
    ['the case of a value', [HOST, 'Authorization: Bearer aaA', LENGTH, 'Accept: a']],
    ['the order of the headers', ['Authorization: Bearer aaa', HOST, LENGTH, 'Accept: a']],
    ['one header less', [HOST, 'Authorization: Bearer aaa', LENGTH]],
    ['one header more', [HOST, 'Authorization: Bearer aaa', LENGTH, 'Accept: a', 'B: c']],
    ['where the length is', [HOST, LENGTH, 'Authorization: Bearer aaa', 'Accept: a']],
    ['spaces', [HOST, 'Authorization: Bearer aaa', LENGTH, 'Accept:  a']],
  ];
  const FIRST = [HOST, 'Authorization: Bearer aaa', LENGTH, 'Accept: a'];
  const head = (lines: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      lines.filter((line) => line !== LENGTH).map((line) => [(line.split(':')[0] ?? '').toLowerCase(), line.replace(/^[^:]*: */, '')]),
    );
  const reading = (reader: RequestReader, bytes: Buffer): WholeRequest => {
    const request = reader.read(bytes);
    assert.ok(request !== undefined, bytes.toString('latin1'));
    return request;
  };

  it('returns the same headers for the same head, whatever the length', () => {
    const reader = new RequestReader();
    const first = reading(reader, post(FIRST));
    assert.deepEqual({ ...first.headers }, head(FIRST));
    assert.equal(reading(reader, post(FIRST)).headers, first.headers);
    for (const text of ['', 'x', 'x'.repeat(9), 'x'.repeat(10), 'x'.repeat(100_000), '\r\n\r\n', '7']) {
      const request = reading(
        reader,
        post(
          FIRST.map((line) => (line === LENGTH ? `Content-Length: ${String(text.length)}` : line)),
          text,
        ),
      );
      assert.equal(request.headers, first.headers);
      assert.equal(request.body.toString(), text);
    }
    assert.equal(reading(reader, post(FIRST.map((line) => (line === LENGTH ? 'Content-Length: 000000002' : line)))).headers, first.headers);
  });

  for (const [what, lines] of others) {
    it(`returns others for a head that differs in ${what}`, () => {
      const reader = new RequestReader();
      const first = reading(reader, post(FIRST));
      const second = reading(reader, post(lines));
      assert.notEqual(second.headers, first.headers);
      assert.deepEqual({ ...second.headers }, head(lines));
      assert.deepEqual({ ...first.headers }, head(FIRST));
      const third = reading(reader, post(FIRST));
      assert.notEqual(third.headers, second.headers);
      assert.deepEqual(third, first);
    });
  }

  it('gives no connection what another one has sent', () => {
    const first = reading(new RequestReader(), post(FIRST));
    assert.notEqual(reading(new RequestReader(), post(FIRST)).headers, first.headers);
  });

  it('does not take the head of another agent, or to another server, for the last one', () => {
    const written = (url: string, token: string, lengthFirst: boolean, text: string): Buffer => {
      const [authorization, length] = [`Authorization: Bearer ${token}`, `Content-Length: ${String(text.length)}`];
      const lines = lengthFirst ? [length, authorization] : [authorization, length];
      return Buffer.from([`POST ${url} HTTP/1.1`, HOST, ...lines, '', text].join('\r\n'));
    };
    for (const lengthFirst of [false, true]) {
      for (const text of ['{}', '{"id":1}']) {
        for (const [url, token] of [
          ['/mcp/two', 'token-of-one'],
          ['/mcp/one', 'token-of-two'],
          ['/mcp/two', 'token-of-two'],
        ] as const) {
          const reader = new RequestReader();
          const attacked = written('/mcp/one', 'token-of-one', lengthFirst, '{}');
          const attack = written(url, token, lengthFirst, text);
          if (text === '{}') assert.equal(attack.length, attacked.length);
          const first = reading(reader, attacked);
          const second = reading(reader, attack);
          assert.deepEqual(
            [second.url, second.headers.authorization, second.body.toString(), second.headers === first.headers],
            [url, `Bearer ${token}`, text, false],
          );
          assert.deepEqual([first.url, first.headers.authorization], ['/mcp/one', 'Bearer token-of-one']);
        }
      }
    }
  });

  it('does not take the beginning of a head it knows, or more than one request, for a request', () => {
    const reader = new RequestReader();
    const one = post(FIRST);
    const { headers } = reading(reader, one);
    for (let cut = 0; cut < one.length; cut += 1) {
      assert.equal(reader.read(one.subarray(0, cut)), undefined, String(cut));
      assert.deepEqual(reading(reader, one).headers, headers);
    }
    for (const more of ['x', '\r\n', one.toString(), GET]) {
      assert.equal(reader.read(Buffer.concat([one, Buffer.from(more)])), undefined, more);
      assert.deepEqual(reading(reader, one).headers, headers);
    }
    for (const digits of ['', '1', '3', '02 ', '12', '0000000002', '9999999999', '-2', '+2', ' ', '2,2', '2 2', '0x2', '2.0', '\t2']) {
      const bytes = post(FIRST.map((line) => (line === LENGTH ? `Content-Length: ${digits}` : line)));
      assert.deepEqual(reader.read(bytes), wholeRequest(bytes), digits);
      assert.equal(reader.read(bytes) === undefined, digits !== '02 ', digits);
      assert.deepEqual(reading(reader, one).headers, headers);
    }
    for (const digits of ['', ' ', '-', '+0', '0x0', '0000000000']) {
      const bytes = post(
        FIRST.map((line) => (line === LENGTH ? `Content-Length: ${digits}` : line)),
        '',
      );
      assert.equal(reader.read(bytes), undefined, `${digits} without a body`);
      assert.deepEqual(reading(reader, one).headers, headers);
    }
  });

  it('lets nobody change the headers, and they inherit nothing', () => {
    const { headers } = reading(new RequestReader(), post([HOST, LENGTH, '__proto__: x', 'A: b']));
    assert.ok(Object.isFrozen(headers));
    assert.equal(Object.getPrototypeOf(headers), null);
    assert.throws(() => (headers.authorization = 'Bearer x'), TypeError);
    assert.throws(() => (headers.host = 'evil.example'), TypeError);
    assert.throws(() => delete headers.host, TypeError);
    assert.deepEqual(Object.entries(headers).sort(), [
      ['__proto__', 'x'],
      ['a', 'b'],
      ['host', '127.0.0.1'],
    ]);
    for (const one of ['constructor', 'toString', 'tostring', 'hasOwnProperty', 'valueOf', 'authorization', 'content-length'])
      assert.ok(headers[one] === undefined && !(one in headers), one);
    assert.ok(!('a' in {}));
  });

  it('keeps a copy: what becomes of the bytes that it has read does not matter', () => {
    const other = FIRST.map((line) => line.replace('aaa', 'bbb').replace('Accept: a', 'Accept: b'));
    const reader = new RequestReader();
    const bytes = post(FIRST);
    const { headers } = reading(reader, bytes);
    post(other).copy(bytes);
    assert.deepEqual({ ...reading(reader, bytes).headers }, head(other));
    const again = reading(reader, post(FIRST));
    assert.deepEqual(again.headers, headers);
    for (const fill of [0, 0x78, 0x30]) {
      const lent = post(FIRST);
      reader.read(post(other));
      const kept = reading(reader, lent);
      lent.fill(fill);
      assert.equal(reader.read(lent), undefined);
      assert.deepEqual(reading(reader, post(FIRST)), reading(new RequestReader(), post(FIRST)));
      assert.deepEqual({ ...kept.headers }, head(FIRST));
    }
    const first = reading(reader, bytes.fill(post(FIRST)));
    bytes.fill(0x78);
    assert.equal(reading(reader, post(FIRST)).headers, first.headers, 'it still recognises what it has read');
  });
});
