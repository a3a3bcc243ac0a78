import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { errandOf } from '../../../../src/proxy/front/errand';
import type { Errand } from '../../../../src/proxy/front/errand';
import type { Entrance } from '../../../../src/proxy/front/guards';
import type { AgentRequest } from '../../../../src/proxy/front/request';
import { RequestReader } from '../../../../src/proxy/front/requestReader';
import { refusal } from '../../support/errors';

const TCP: Entrance = { port: 4711 };
const HOST = '127.0.0.1:4711';

const requestTo = (url: string, headers: IncomingHttpHeaders): AgentRequest => ({
  method: 'POST',
  url,
  headers,
  body: () => Buffer.alloc(0),
});
const headersWith = (more: IncomingHttpHeaders = {}): IncomingHttpHeaders => ({ host: HOST, authorization: 'Bearer abc', ...more });

/** The errand of a request that is not about health. */
function read(url: string, headers = headersWith(), entrance = TCP): Errand {
  const errand = errandOf(requestTo(url, headers), entrance);
  assert.ok(errand !== 'health', url);
  return errand;
}

const hashed = (token: string): string => createHash('sha256').update(token).digest('hex');

describe('the errand of a request', () => {
  it('names the server, who asks, and whether the body is JSON', () => {
    const headers = headersWith({ authorization: 'bearer  a-b_c.d~e+f/g==', 'content-type': 'application/json' });
    assert.deepEqual(read('/mcp/one', headers), { tokenHash: hashed('a-b_c.d~e+f/g=='), server: 'one', isJson: true });
  });

  const long = 'x'.repeat(64);
  const servers: readonly (readonly [url: string, server: string | undefined])[] = [
    ['/mcp/one', 'one'],
    ['/mcp/one?mode=all', 'one'],
    ['/mcp/one?', 'one'],
    ['/mcp/A.b_c-9', 'A.b_c-9'],
    ['/mcp/__proto__', '__proto__'],
    [`/mcp/${long}`, long],
    ['/mcp', '*'],
    ['/mcp?', '*'],
    ['/mcp?other=x', '*'],
    ['/mcp?mode=', '*'],
    ['/mcp?mode=all', '*all'],
    ['/mcp?mode=search', '*search'],
    ['/mcp?other=x&mode=search', '*search'],
    ['/mcp?mode=ALL', undefined],
    ['/mcp?mode=none', undefined],
    ['/mcp?mode=__proto__', undefined],
    ['/mcp?mode=constructor', undefined],
    [`/mcp/${long}x`, undefined],
    ['/mcp/', undefined],
    ['/mcp/?mode=all', undefined],
    ['/mcp/*', undefined],
    ['/mcp/*all', undefined],
    ['/mcp/one/', undefined],
    ['/mcp/one/two', undefined],
    ['/mcp/a%62', undefined],
    ['/mcp/a b', undefined],
    ['/mcp/\xf6', undefined],
    ['/mcp/one\n', undefined],
    ['/mcp/one#x', undefined],
    ['/mcp#', undefined],
    ['/mcpx', undefined],
    ['/MCP', undefined],
    ['/MCP/one', undefined],
    ['//mcp/one', undefined],
    ['/x/mcp/one', undefined],
    ['http://127.0.0.1:4711/mcp/one', undefined],
    ['mcp/one', undefined],
    ['/', undefined],
    ['', undefined],
    ['*', undefined],
    ['?', undefined],
    ['/Health', undefined],
    ['/health/', undefined],
    ['/healthy', undefined],
    ['/mcp/health', 'health'],
  ];
  for (const [url, server] of servers) {
    it(`is, at ${JSON.stringify(url)}, for ${server ?? 'nobody'}`, () => {
      assert.equal(read(url).server, server);
    });
  }

  for (const [type, isJson] of [
    ['application/json', true],
    ['Application/JSON', true],
    ['application/json;', true],
    ['application/json; charset=utf-8', true],
    ['application/json ;charset=utf-8', true],
    ['application/json ', true],
    [undefined, false],
    ['', false],
    ['application/jsonp', false],
    ['application/json-rpc', false],
    ['application/json, text/plain', false],
    ['application/json text/plain', false],
    ['application/x-www-form-urlencoded', false],
    ['multipart/form-data; boundary=application/json', false],
    ['text/plain', false],
    ['text/plain; application/json', false],
    [' application/json', false],
    ['text/json', false],
  ] as const) {
    it(`is ${isJson ? '' : 'not '}JSON as ${JSON.stringify(type ?? null)}`, () => {
      assert.equal(read('/mcp/one', headersWith(type === undefined ? {} : { 'content-type': type })).isJson, isJson);
    });
  }

  it('may be to hear of its health, from whoever is here: no token is needed', async () => {
    for (const url of ['/health', '/health?', '/health?x=y']) {
      const headers = { host: HOST };
      assert.equal(errandOf(requestTo(url, headers), TCP), 'health', url);
      assert.equal(errandOf(requestTo(url, headers), TCP), 'health', url);
      assert.equal(errandOf(requestTo(url, headersWith()), TCP), 'health', url);
      await refusal('tokenMissing', () => errandOf(requestTo('/mcp/one', headers), TCP));
      await refusal('hostRefused', () => errandOf(requestTo(url, { host: 'evil.example' }), TCP));
      await refusal('originRefused', () => errandOf(requestTo(url, { host: HOST, origin: 'http://evil.example' }), TCP));
    }
  });

  const refused = [
    ['hostRefused', headersWith({ host: 'evil.example' })],
    ['hostRefused', { authorization: 'Bearer abc' }],
    ['originRefused', headersWith({ origin: 'http://evil.example' })],
    ['originRefused', { host: HOST, origin: 'null' }],
    ['tokenMissing', { host: HOST }],
    ['tokenMissing', headersWith({ authorization: 'Basic YTpi' })],
    ['tokenMissing', headersWith({ authorization: 'Bearer ' })],
  ] as const;
  for (const [kind, headers] of refused) {
    it(`is refused each time, as ${kind}: ${JSON.stringify(headers)}`, async () => {
      for (const url of ['/mcp/one', '/mcp', '/nothing', '/mcp/one']) await refusal(kind, () => errandOf(requestTo(url, headers), TCP));
    });
  }

  it('is refused as foreign first: a token, or none, does not matter', async () => {
    await refusal('hostRefused', () => errandOf(requestTo('/mcp/one', { host: 'evil.example', origin: 'http://evil.example' }), TCP));
    await refusal('originRefused', () => errandOf(requestTo('/mcp/one', { host: HOST, origin: 'http://evil.example' }), TCP));
  });

  it('is read again after a refusal', async () => {
    const headers = headersWith();
    await refusal('hostRefused', () => errandOf(requestTo('/mcp/one', headers), { port: 4712 }));
    assert.equal(read('/mcp/one', headers).server, 'one');
    const atSocket = headersWith({ host: 'localhost' });
    await refusal('hostRefused', () => errandOf(requestTo('/mcp/one', atSocket), TCP));
    assert.equal(read('/mcp/one', atSocket, 'socket').server, 'one');
  });

  it('is read once for a head that comes again, and anew for another one', () => {
    const headers = Object.freeze(headersWith({ 'content-type': 'application/json' }));
    const first = read('/mcp/one', headers);
    assert.equal(read('/mcp/one', headers), first);
    const same = read('/mcp/one', { ...headers });
    assert.notEqual(same, first);
    assert.deepEqual(same, first);
    const others = [
      read('/mcp/two', { ...headers }),
      read('/mcp/one', headersWith({ 'content-type': 'text/plain' })),
      read('/mcp/one', { ...headers, authorization: 'Bearer abd' }),
    ];
    assert.deepEqual(others, [
      { ...first, server: 'two' },
      { ...first, isJson: false },
      { ...first, tokenHash: hashed('abd') },
    ]);
    assert.equal(read('/mcp/one', headers), first);
  });

  it('is that of the request itself, whatever came before it on the connection', () => {
    const reader = new RequestReader();
    const sent = (url: string, token: string, body: string): Errand => {
      const lines = [`POST ${url} HTTP/1.1`, `Host: ${HOST}`, `Content-Length: ${String(body.length)}`, `Authorization: Bearer ${token}`];
      const request = reader.read(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`));
      assert.ok(request !== undefined);
      return read(request.url, request.headers);
    };
    const first = sent('/mcp/one', 'abc', '{}');
    assert.equal(sent('/mcp/one', 'abc', '{"id":1}     '), first);
    for (const [url, token, server] of [
      ['/mcp/two', 'abc', 'two'],
      ['/mcp/two', 'abd', 'two'],
      ['/mcp/one', 'abd', 'one'],
      ['/mcp/one', 'abc', 'one'],
    ] as const)
      assert.deepEqual(sent(url, token, '{}'), { tokenHash: hashed(token), server, isJson: false });
  });
});
