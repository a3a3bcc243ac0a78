import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { answerTo, event, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Script } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Rpc } from './support/agent';
import { newPlainCanary } from './support/canaries';
import type { Serving } from './support/serving';
import { textOf } from './support/scripted';
import { Workplace } from './support/workplace';

describe('an http upstream that fails', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;
  let calls = 0;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    await place.addHttp('one', upstream.url, 'TOKEN=bearer');
    await place.addHttp('down', 'http://127.0.0.1:9/mcp', 'TOKEN=bearer');
    await place.addHttp('missing', upstream.url, 'NOT_THERE=bearer', 'NOR_THIS=header');
    serving = await place.serve(['--timeout', '5']);
    agent = new Agent(serving, 'one');
    await agent.initialize();
  });

  afterEach(async () => {
    // Whatever happened: each call ended exactly once, and the next one works.
    upstream.script = () => false;
    assert.equal(textOf(await agent.tool(`probe ${String((calls += 1))}`)), 'done');
    await place.audited(1, ({ tool }) => tool === `probe ${String(calls)}`);
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  /** Makes one call that fails as `kind`; checks the record. */
  async function failing(kind: string, message: RegExp, script: Script, outcome = 'error'): Promise<Rpc> {
    const tool = `call ${String((calls += 1))}`;
    upstream.script = (request, response) => request.message?.method === 'tools/call' && script(request, response) === true;
    const answer = await agent.tool(tool);
    const last = answer.messages.at(-1);
    assert.deepEqual([last?.error?.code, last?.error?.data?.kind], [-32000, kind], answer.body);
    assert.match(last?.error?.message ?? '', message);
    const [line] = await place.audited(1, (entry) => entry.tool === tool);
    assert.deepEqual([line?.outcome, line?.errorKind], [outcome, kind]);
    return last ?? {};
  }

  const html: Script = (_, response) => !!response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello</p>');

  it('is down', async () => {
    const other = new Agent(serving, 'down');
    const answer = await other.initialize();
    assert.equal(answer.status, 200);
    assert.equal(answer.messages[0]?.error?.data?.kind, 'upstreamUnreachable');
    assert.match(answer.messages[0].error.message, /cannot be reached at http:\/\/127\.0\.0\.1:9 \(ECONNREFUSED\)\. Check that it runs/);
    assert.equal((await other.send('GET')).status, 502);
    other.close();
  });

  it('hangs before the answer', async () => {
    const error = await failing('upstreamTimeout', /sent nothing for 5 seconds.*raise the call timeout/, () => true);
    assert.notEqual(error.id, null);
  });

  it('hangs in the middle of a JSON answer', () =>
    failing('upstreamTimeout', /sent nothing for 5 seconds/, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      return response.write('{"jsonrpc":') || true;
    }));

  it('hangs in the middle of a stream', async () => {
    await failing('upstreamTimeout', /sent nothing for 5 seconds/, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'alive' } }));
      return true;
    });
  });

  it('is slow but shows life: that is no failure', async () => {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      let left = 6;
      const timer = setInterval(() => {
        if ((left -= 1) > 0) response.write(': alive\n\n');
        else {
          clearInterval(timer);
          response.end(event(answerTo(message, textResult('late'))));
        }
      }, 1_100);
      return true;
    };
    assert.equal(textOf(await agent.tool('slow')), 'late');
  });

  it('answers with a web page', () => failing('upstreamNonsense', /not MCP \(a web page\)\. Check that its address/, html));

  it('answers with another kind of content', () =>
    failing(
      'upstreamNonsense',
      /another kind of content/,
      (_, response) => !!response.writeHead(200, { 'content-type': 'image/png' }).end('x'),
    ));

  it('answers with broken JSON', () =>
    failing('upstreamNonsense', /JSON that is no JSON-RPC/, (_, response) => json(response, '{"half":')));

  it('answers with JSON that is no JSON-RPC', () =>
    failing('upstreamNonsense', /JSON that is no JSON-RPC/, (_, response) => json(response, { ok: 1 })));

  it('answers another question', () =>
    failing('upstreamNonsense', /an answer to another question/, (_, response) => json(response, answerTo({ id: 'other' }, {}))));

  it('answers with an id of another type', () =>
    failing('upstreamNonsense', /an answer to another question/, ({ message }, response) =>
      json(response, answerTo({ id: String(message?.id) }, {})),
    ));

  it('answers with an empty batch', () => failing('upstreamNonsense', /./, (_, response) => json(response, [])));

  it('answers with an empty batch and an error status', () =>
    failing('upstreamStatus', /HTTP 500/, (_, response) => json(response, [], {}, 500)));

  it('answers with a request', () =>
    failing('upstreamNonsense', /another question/, ({ message }, response) =>
      json(response, { jsonrpc: '2.0', id: message?.id, method: 'ping' }),
    ));

  it('answers with nothing', () => failing('upstreamNonsense', /an empty body/, (_, response) => json(response, '')));

  it('accepts a call with 202, as if it were a notification', () =>
    failing('upstreamNonsense', /an empty body/, (_, response) => !!response.writeHead(202).end()));

  it('answers in a packing that nobody knows', () =>
    failing('upstreamNonsense', /unknown content encoding/, ({ message }, response) =>
      json(response, answerTo(message, {}), { 'content-encoding': 'zstd' }),
    ));

  it('says that it is packed, and is not', () =>
    failing('upstreamNonsense', /./, ({ message }, response) => json(response, answerTo(message, {}), { 'content-encoding': 'gzip' })));

  it('ends a stream without the answer', () =>
    failing('upstreamClosed', /closed the connection before it answered\. Try again/, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n');
      return true;
    }));

  it('breaks a stream off', () =>
    failing('upstreamClosed', /closed the connection/, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': nothing\n\n', () => response.destroy());
      return true;
    }));

  it('breaks a JSON answer off', () =>
    failing('upstreamClosed', /closed the connection/, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('{', () => response.destroy());
      return true;
    }));

  it('hangs up', () => failing('upstreamClosed', /closed the connection/, (_, response) => !!response.destroy()));

  for (const status of [401, 403]) {
    it(`refuses with ${String(status)}: names the secret to check`, () =>
      failing(
        'upstreamRefused',
        new RegExp(`refused access \\(HTTP ${String(status)}\\)\\. Check the secret TOKEN, and the way it is sent`),
        (_, response) => !!response.writeHead(status, { 'www-authenticate': 'Bearer' }).end('no'),
      ));
  }

  for (const status of [400, 429, 500, 503]) {
    it(`answers with ${String(status)}`, () =>
      failing(
        'upstreamStatus',
        new RegExp(`answered with HTTP ${String(status)}\\. Check its address and its own log`),
        (_, response) => !!response.writeHead(status).end('oops'),
      ));
  }

  it('speaks no HTTP', async () => {
    const sockets: Socket[] = [];
    const odd = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.6\r\n');
    }).listen(0, '127.0.0.1');
    await once(odd, 'listening');
    await place.addHttp('odd', `http://127.0.0.1:${String((odd.address() as AddressInfo).port)}/`);
    const other = new Agent(serving, 'odd');
    const answer = await other.initialize();
    assert.equal(answer.messages[0]?.error?.code, -32000, answer.body);
    assert.match(answer.messages[0].error.message, /Server "odd" .*Check/);
    other.close();
    odd.close();
  });

  it('a secret that is missing: named, and nothing is sent', async () => {
    const before = upstream.received.length;
    const other = new Agent(serving, 'missing');
    const { messages } = await other.initialize();
    assert.equal(messages[0]?.error?.data?.kind, 'secretMissing');
    assert.match(messages[0].error.message, /The secrets NOT_THERE, NOR_THIS, bound to server "missing", do not exist\. Add them with/);
    assert.equal(upstream.received.length, before);
    other.close();
    const [line] = await place.audited(1, ({ server, method }) => server === 'missing' && method === 'initialize');
    assert.deepEqual([line?.outcome, line?.errorKind], ['refused', 'secretMissing']);
  });
});
