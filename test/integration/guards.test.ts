import assert from 'node:assert/strict';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent, rawExchange } from './support/agent';
import type { Answer } from './support/agent';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

describe('who and what is let in', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.addHttp('one', upstream.url);
    serving = await place.serve();
    agent = new Agent(serving, 'one');
  });

  afterEach(() => {
    assert.equal(upstream.received.length, 0, 'nothing of this reached the server');
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

  function assertRefused(answer: Answer, status: number, code: number, kind: string, message: RegExp): void {
    assert.equal(answer.status, status, answer.body);
    const { id, error } = answer.messages[0] ?? {};
    assert.deepEqual([id, error?.code, error?.data?.kind], [null, code, kind]);
    assert.match(error?.message ?? '', message);
  }

  /** A request byte by byte; returns the status. */
  async function raw(lines: readonly string[], body = ''): Promise<string> {
    const text = await rawExchange(
      serving.port,
      `${[...lines, 'Connection: close', `Content-Length: ${String(body.length)}`].join('\r\n')}\r\n\r\n${body}`,
    );
    return text.split('\r\n', 1)[0] ?? '';
  }

  const authorized = (...headers: string[]): string[] => [
    'POST /mcp/one HTTP/1.1',
    `Authorization: Bearer ${serving.token}`,
    'Content-Type: application/json',
    ...headers,
  ];

  describe('the token', () => {
    it('missing: 401, with a challenge', async () => {
      for (const authorization of [undefined, '', 'Basic eDp5', serving.token, 'Bearer', 'Bearer ä']) {
        const answer = await agent.send('POST', ping, { authorization });
        assertRefused(answer, 401, -32000, 'tokenMissing', /Send the header "Authorization: Bearer <token>"/);
        assert.equal(answer.headers['www-authenticate'], 'Bearer realm="mcp-secrets"');
      }
    });

    it('wrong: 401, for every method', async () => {
      for (const token of [serving.token.slice(1), `${serving.token}x`, serving.token.toLowerCase(), 'x'.repeat(2000)]) {
        const headers = { authorization: `Bearer ${token}` };
        for (const method of ['POST', 'GET', 'DELETE', 'PUT']) {
          const answer = await agent.send(method, method === 'POST' ? ping : undefined, headers);
          assertRefused(answer, 401, -32000, 'tokenWrong', /Get a new one/);
        }
      }
    });

    it('in the address does not count', async () => {
      const answer = await agent.send(
        'POST',
        ping,
        { authorization: undefined },
        `/mcp/one?token=${serving.token}&access_token=${serving.token}`,
      );
      assert.equal(answer.status, 401);
    });
  });

  describe('Host and Origin', () => {
    it('a Host that is not this proxy: 403', async () => {
      const hosts = [
        'evil.example',
        `evil.example:${String(serving.port)}`,
        '127.0.0.1:1',
        '127.0.0.1',
        `127.0.0.1.evil.example:${String(serving.port)}`,
        '',
      ];
      for (const host of hosts) assert.match(await raw(authorized(`Host: ${host}`), ping), / 403 /, host);
      assert.match(await raw(['GET /health HTTP/1.1', 'Host: evil.example']), / 403 /, 'health, too');
      assertRefused(await agent.send('POST', ping, { host: 'evil.example' }), 403, -32000, 'hostRefused', /Connect to the address that/);
    });

    it('its own names are fine', async () => {
      for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
        assert.match(await raw(['GET /health HTTP/1.1', `Host: ${name}:${String(serving.port)}`]), / 200 /, name);
      }
    });

    it('an Origin of a web page: 403', async () => {
      for (const origin of [
        'https://evil.example',
        'null',
        'http://localhost',
        `https://127.0.0.1:${String(serving.port)}`,
        'vscode-webview://x',
      ]) {
        const answer = await agent.send('POST', ping, { origin });
        assertRefused(answer, 403, -32000, 'originRefused', /Requests from web pages are refused/);
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
    });

    it('a preflight is not answered with permission', async () => {
      const answer = await agent.send('OPTIONS', undefined, { origin: 'https://evil.example', authorization: undefined });
      assert.equal(answer.status, 403);
    });
  });

  describe('the path', () => {
    it('GET /health needs no token and tells nothing', async () => {
      const answer = await agent.send('GET', undefined, { authorization: undefined }, '/health');
      assert.deepEqual([answer.status, answer.body], [200, '{"status":"ok"}']);
    });

    it('tricks and unknown paths: 404', async () => {
      const paths = [
        '/', '/mcp/', '/mcp/one/', '/mcp/one/x', '/mcp//one', '//mcp/one', '/mcp/../mcp/one', '/mcp/%6fne', '/mcp/%2e%2e', '/mcp/..%2fone',
        '/mcp/one%00', '/mcp/one;x', '/MCP/one', '/servers', '/mcp/one\\', `/mcp/${'x'.repeat(65)}`,
      ]; // prettier-ignore
      for (const path of paths) {
        const answer = await agent.send('POST', ping, {}, path);
        assertRefused(answer, 404, -32000, 'notFound', /Servers are at \/mcp\/<server>/);
      }
      assert.match(
        await raw([`POST ${upstream.url} HTTP/1.1`, ...authorized(`Host: 127.0.0.1:${String(serving.port)}`).slice(1)], ping),
        / 404 /,
      );
    });

    it('a server that there is not: 404, with those that there are', async () => {
      for (const name of ['none', '..', '.', '__proto__', 'constructor', 'ONE']) {
        const answer = await agent.send('POST', ping, {}, `/mcp/${name}`);
        assertRefused(answer, 404, -32000, 'serverUnknown', /There is no server ".*" in the servers file. Known: one. Add it with/);
      }
    });

    it('a method that makes no sense: 405', async () => {
      assertRefused(await agent.send('PUT', ping), 405, -32000, 'methodNotAllowed', /PUT is not possible here\. Use POST\./);
      assertRefused(await agent.send('DELETE'), 405, -32000, 'methodNotAllowed', /DELETE is not possible here/);
    });
  });

  describe('the body', () => {
    const big = Buffer.alloc(4 * 1024 * 1024 + 1, ' ');

    it('over the limit: 413', async () => {
      assertRefused(await agent.send('POST', big), 413, -32000, 'bodyTooLarge', /larger than 4194304 bytes. Send less at once/);
    });

    it('over the limit in chunks: 413', async () => {
      const lines = authorized(`Host: 127.0.0.1:${String(serving.port)}`, 'Transfer-Encoding: chunked').join('\r\n');
      const answer = await rawExchange(serving.port, `${lines}\r\n\r\n${big.length.toString(16)}\r\n${big.toString()}\r\n`);
      assert.match(answer, /^HTTP\/1.1 413 /);
    });

    it('over the limit does no harm to the next request on the same connection', async () => {
      for (let n = 0; n < 5; n += 1) {
        assert.equal((await agent.send('POST', big)).status, 413);
        assert.equal((await agent.send('GET', undefined, {}, '/health')).status, 200);
      }
    });

    it('said to be over the limit: 413 before it is sent', async () => {
      const lines = authorized(`Host: 127.0.0.1:${String(serving.port)}`, 'Content-Length: 99999999').join('\r\n');
      assert.match(await rawExchange(serving.port, `${lines}\r\n\r\n`), /^HTTP\/1.1 413 /);
    });

    it('of another type: 415', async () => {
      for (const type of ['text/plain', 'application/jsonp', 'application/x-www-form-urlencoded', 'multipart/form-data', undefined]) {
        const answer = await agent.send('POST', ping, { 'content-type': type });
        assertRefused(answer, 415, -32000, 'contentType', /"Content-Type: application\/json"/);
      }
    });

    it('not JSON: 400 with -32700', async () => {
      for (const body of ['', '{', '{"jsonrpc":"2.0",}', 'ping', '\u0000', '{"a":1}{"b":2}']) {
        assertRefused(await agent.post(body), 400, -32700, 'notJson', /is not valid JSON/);
      }
    });

    it('not JSON-RPC: 400 with -32600, and why', async () => {
      const bodies: [string, RegExp][] = [
        ['1', /it is not an object/],
        ['"ping"', /it is not an object/],
        ['null', /it is not an object/],
        ['[]', /the batch is empty/],
        ['[[]]', /it is not an object/],
        ['{}', /"jsonrpc" is not "2.0"/],
        ['{"jsonrpc":"1.0","id":1,"method":"ping"}', /"jsonrpc" is not "2.0"/],
        ['{"jsonrpc":"2.0","id":1}', /no "method", "result" or "error"/],
        ['{"jsonrpc":"2.0","id":1,"method":5}', /"method" is not a string/],
        ['{"jsonrpc":"2.0","id":{},"method":"ping"}', /"id" is neither a string nor a number/],
        ['{"jsonrpc":"2.0","id":null,"method":"ping"}', /"id" is null/],
        [`[${ping},${ping}]`, /two requests have the same id/],
        [`[${ping},1]`, /it is not an object/],
      ];
      for (const [body, why] of bodies) assertRefused(await agent.post(body), 400, -32600, 'notJsonRpc', why);
    });

    it('very deep JSON does no harm', async () => {
      const deep = `{"jsonrpc":"2.0","id":1,"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      assert.equal((await agent.post(deep)).status, 400);
      assert.equal((await agent.send('GET', undefined, {}, '/health')).status, 200);
    });
  });
});
