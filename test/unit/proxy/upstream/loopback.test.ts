import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamRequest, UpstreamResponse } from '../../../../src/proxy/upstream/exchange';
import { Connections } from '../../../../src/proxy/upstream/request';
import { settled, until } from '../../../integration/support/eventually';
import { outcomeOf, refusal } from '../../support/errors';

const answer = (body: string, ...headers: string[]): string =>
  ['HTTP/1.1 200 OK', ...headers, `Content-Length: ${String(Buffer.byteLength(body))}`, '', body].join('\r\n');
const HEAD = 'HTTP/1.1 200 OK\r\n';

/** What a server does with a piece of what it gets. */
type Act = (socket: Socket, text: string, count: number) => void;

async function textOf(response: UpstreamResponse): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.stream() as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** What a body breaks off with. */
async function failureOf(body: Readable): Promise<unknown> {
  return outcomeOf(async () => {
    for await (const chunk of body) assert.ok(chunk !== null);
  });
}

describe('the client for servers on this machine', function () {
  this.timeout(60_000);
  let server: Server;
  let connections: Connections;
  /** Those that the server has had, and what came on each. */
  let sockets: Socket[] = [];
  let received: string[] = [];
  let act: Act;
  const echo: Act = (socket, text) => socket.write(answer(Buffer.from(text.split('\r\n\r\n')[1] ?? '', 'latin1').toString()));
  const say =
    (text: string): Act =>
    (socket) =>
      socket.write(text);

  beforeEach(async () => {
    sockets = [];
    received = [];
    act = echo;
    connections = new Connections();
    server = createServer((socket) => {
      const at = sockets.push(socket) - 1;
      let count = 0;
      received.push('');
      socket.setEncoding('latin1').on('error', () => undefined);
      socket.on('data', (text: string) => {
        received[at] = (received[at] ?? '') + text;
        act(socket, text, (count += 1));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    connections.close();
    server.close();
    for (const socket of sockets) socket.destroy();
  });

  const port = (): number => (server.address() as AddressInfo).port;
  function request(more: Partial<UpstreamRequest> = {}): UpstreamRequest {
    const body = more.body === undefined ? [] : ['content-length', String(Buffer.byteLength(more.body))];
    const url = more.url ?? `http://127.0.0.1:${String(port())}/mcp`;
    return { server: 'one', method: 'POST', idleMs: 0, repeatable: false, ...more, url, headers: [...(more.headers ?? []), ...body] };
  }
  const send = (more: Partial<UpstreamRequest> = {}): Promise<UpstreamResponse> => connections.send(request(more));
  const post = async (body: string): Promise<string> => textOf(await send({ body }));
  const get = (more: Partial<UpstreamRequest> = {}): Promise<UpstreamResponse> => send({ method: 'GET', repeatable: true, ...more });
  /** Lets what was written arrive. Both ends are in this process: it has come around when there was a turn for what is to be read. */
  const settle = async (): Promise<void> => {
    await sleep(20);
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  };
  const isOver = (socket: Socket | undefined): boolean => socket?.destroyed === true || socket?.readableEnded === true;

  it('sends what it is given, once, under the last of each name', async () => {
    await send({ url: `http://127.0.0.1:${String(port())}/a%20b?c=d#e`, body: 'ä', headers: ['X-A', '1', 'x-a', 'gr\xfcn', 'B', ''] });
    assert.equal(
      received[0],
      `POST /a%20b?c=d HTTP/1.1\r\nhost: 127.0.0.1:${String(port())}\r\nx-a: gr\xfcn\r\nB: \r\ncontent-length: 2\r\n\r\n\xc3\xa4`,
    );
    await send({ body: Buffer.from([0, 255, 13, 10]) });
    assert.ok(received.join('').endsWith('content-length: 4\r\n\r\n\0\xff\r\n'));
    await get();
    assert.ok(received.join('').endsWith(`GET /mcp HTTP/1.1\r\nhost: 127.0.0.1:${String(port())}\r\n\r\n`));
  });

  it('says what it cannot reach', async () => {
    const url = request().url;
    server.close();
    await refusal('upstreamUnreachable', () => send({ url }));
    await refusal('upstreamUnreachable', () => get({ url }));
  });

  describe('keeps connections', () => {
    it('and uses them again, one for each call under way', async () => {
      for (let i = 0; i < 200; i += 1) assert.equal(await post(`${String(i)} ä`), `${String(i)} ä`);
      assert.equal(sockets.length, 1);
      const many = await Promise.all(Array.from({ length: 20 }, (_, i) => post(String(i))));
      assert.deepEqual(
        many,
        Array.from({ length: 20 }, (_, i) => String(i)),
      );
      assert.equal(sockets.length, 20);
      await Promise.all(Array.from({ length: 20 }, (_, i) => post(String(i))));
      assert.equal(sockets.length, 20);
    });

    it('after answers of every kind that has an end', async () => {
      for (const text of [
        'HTTP/1.1 204 No Content\r\n\r\n',
        'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
        answer(''),
        `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\na: b\r\n\r\n`,
        `HTTP/1.1 100 Continue\r\n\r\n${answer('ab')}`,
      ]) {
        act = say(text);
        await textOf(await send());
        act = echo;
        assert.equal(await post('x'), 'x');
      }
      assert.equal(sockets.length, 1);
    });

    it('but not those that the server does not', async () => {
      for (const text of [answer('ab', 'Connection: close'), answer('ab').replace('1.1', '1.0'), answer('ab', 'connection: x, Close')]) {
        act = say(text);
        assert.equal(await textOf(await send()), 'ab');
        const before = sockets.length;
        act = echo;
        assert.equal(await post('x'), 'x');
        assert.equal(sockets.length, before + 1);
        connections.close();
      }
      act = (socket) => socket.end(`${HEAD}\r\nuntil the end`);
      assert.equal(await textOf(await send()), 'until the end');
      act = echo;
      assert.equal(await post('x'), 'x');
    });

    it('for as long as the server says', async () => {
      const cases: readonly (readonly [hint: string, kept: boolean])[] = [
        ['Keep-Alive: timeout=0', false],
        ['Keep-Alive: timeout=1', false],
        ['Keep-Alive: timeout=5', true],
        ['Keep-Alive: timeout=5, max=100', true],
        ['Keep-Alive: max=100', true],
        ['Keep-Alive: nonsense', true],
        ['Keep-Alive: timeout=-5', true],
      ];
      for (const [hint, kept] of cases) {
        const before = sockets.length;
        act = say(answer('', hint));
        await textOf(await send());
        await settle();
        act = echo;
        await post('x');
        assert.equal(sockets.length, before + (kept ? 1 : 2), hint);
        connections.close();
        await settle();
      }
    });

    it('and not one that the server has closed', async () => {
      for (const close of [
        (socket: Socket) => socket.end(),
        (socket: Socket) => socket.destroy(),
        (socket: Socket) => socket.resetAndDestroy(),
      ]) {
        await post('a');
        await settle();
        const before = sockets.length;
        const last = sockets.at(-1);
        assert.ok(last);
        close(last);
        await until('its end', () => last.destroyed);
        await settle();
        assert.equal(await post('b'), 'b');
        assert.equal(sockets.length, before + 1);
      }
    });

    it('and sends a GET again, but nothing else, when the server closes one just then', async () => {
      await post('a');
      act = (socket) => {
        act = echo;
        socket.destroy();
      };
      assert.equal((await get()).status, 200);
      assert.equal(sockets.length, 2);
      act = (socket) => {
        act = echo;
        socket.destroy();
      };
      await refusal('upstreamClosed', () => post('b'));
      assert.equal(received.join('').split('POST').length, 3);
      assert.equal(await post('c'), 'c');
    });

    it('and none on which its last request was not taken whole', async () => {
      act = (socket, _, count) => {
        if (count > 1) return;
        socket.write(answer('too large'));
        socket.pause();
      };
      const response = await send({ body: 'x'.repeat(50_000_000) });
      assert.equal(await textOf(response), 'too large');
      act = echo;
      assert.equal(await Promise.race([post('next'), sleep(20_000, 'is stuck behind the last one', { ref: false })]), 'next');
    });
  });

  describe('takes nothing for an answer', () => {
    /** That the last connection is not used again. */
    async function assertDropped(): Promise<void> {
      const before = sockets.length;
      const old = sockets.at(-1);
      await until('its end', () => isOver(old));
      act = echo;
      assert.equal(await post('next'), 'next');
      assert.equal(sockets.length, before + 1);
    }

    it('that comes after one', async () => {
      for (const more of ['garbage', answer('not asked for'), '\r\n', '\0']) {
        act = say(answer('a') + more);
        assert.equal(await textOf(await send()), 'a');
        await assertDropped();
      }
    });

    it('that comes when nobody has asked', async () => {
      for (const more of ['garbage', answer('not asked for'), '\r\n']) {
        act = echo;
        assert.equal(await post('a'), 'a');
        sockets.at(-1)?.write(more);
        await assertDropped();
      }
    });

    it('that is none', async () => {
      for (const text of [
        'garbage\r\n\r\n',
        'SSH-2.0-x\r\n',
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
        `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`,
        `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nab`,
        `${HEAD}a: ${'b'.repeat(20_000)}`,
      ]) {
        act = say(text);
        await refusal('upstreamNonsense', () => get());
        assert.equal(received.at(-1)?.split('GET').length, 2, 'it is not asked again');
        await assertDropped();
      }
    });

    it('that stops being one', async () => {
      act = (socket) => {
        socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`);
        setTimeout(() => socket.write('garbage\r\n'), 20);
      };
      const response = await send();
      const found = await failureOf(response.stream());
      await refusal('upstreamNonsense', () => Promise.reject(found as Error));
      await assertDropped();
    });

    it('that breaks off', async () => {
      for (const text of ['', 'HTTP/1.1 2', HEAD, 'HTTP/1.1 100 Continue\r\n\r\n']) {
        act = (socket) => socket.end(text);
        await refusal('upstreamClosed', () => send());
      }
      for (const text of [`${HEAD}Content-Length: 5\r\n\r\nab`, `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`]) {
        act = (socket) => socket.end(text);
        const response = await send();
        assert.equal(response.arrived, undefined);
        const found = await failureOf(response.stream());
        await refusal('upstreamClosed', () => Promise.reject(found as Error));
      }
      act = (socket) => {
        socket.write(`${HEAD}\r\nuntil the end`);
        setTimeout(() => socket.resetAndDestroy(), 20);
      };
      const found = await failureOf((await send()).stream());
      await refusal('upstreamClosed', () => Promise.reject(found as Error));
    });
  });

  it('throws for a header that would be more than one, and sends nothing', async () => {
    for (const headers of [
      ['x', 'a\r\nb: c'],
      ['x', 'a\nb: c'],
      ['x', 'a\rb'],
      ['x', '\0'],
      ['x', '密'],
      ['x\r\ny', 'a'],
      ['x: y', 'a'],
      ['', 'a'],
      ['x y', 'a'],
      ['gr\xfcn', 'a'],
    ]) {
      for (const repeatable of [true, false])
        assert.ok((await outcomeOf(() => send({ headers, repeatable }))) instanceof TypeError, headers.join());
    }
    await settle();
    assert.equal(sockets.length, 0);
  });

  describe('breaks off', () => {
    /** Asks with the means to cancel, for each thing that may be repeated and not. */
    async function cancelled(when: (cancel: () => void) => void, repeatable: boolean): Promise<unknown> {
      return Promise.race([
        outcomeOf(() => send({ method: repeatable ? 'GET' : 'POST', repeatable, onCancel: when })),
        sleep(20_000, 'is still waiting', { ref: false }),
      ]);
    }
    const isClosed = (error: unknown): Promise<unknown> => refusal('upstreamClosed', () => Promise.reject(error as Error));

    for (const repeatable of [false, true]) {
      const what = repeatable ? 'a GET' : 'a POST';
      it(`${what} before it is sent`, async () => {
        await isClosed(
          await cancelled((cancel) => {
            cancel();
          }, repeatable),
        );
        await settle();
        assert.equal(sockets.length, 0);
      });

      it(`${what} before there is a connection`, async () => {
        await isClosed(await cancelled((cancel) => setImmediate(cancel), repeatable));
        await settle();
        await until('its end', () => sockets.every(isOver));
        assert.ok(sockets.length <= 1);
      });

      it(`${what} before it is answered, and in the head of the answer`, async () => {
        for (const text of ['', 'HTTP/1.1 200', HEAD]) {
          const before = sockets.length;
          act = (socket) => text !== '' && socket.write(text);
          let cancel = (): void => undefined;
          const outcome = cancelled((given) => (cancel = given), repeatable);
          await until('the request', () => received.length === before + 1 && received[before] !== '');
          await settle();
          cancel();
          cancel();
          const found = await outcome;
          await settle();
          assert.equal(sockets.length, before + 1, 'it is not sent again');
          await isClosed(found);
          await until('the end', () => sockets.at(-1)?.destroyed === true);
        }
      });
    }

    it('in the body of the answer', async () => {
      act = say(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`);
      let cancel = (): void => undefined;
      const response = await get({ onCancel: (given) => (cancel = given) });
      const failed = failureOf(response.stream());
      await settle();
      cancel();
      await isClosed(await failed);
      await until('the end', () => sockets.at(-1)?.destroyed === true);
      assert.equal(sockets.length, 1);
    });

    it('nothing once the answer is there: the connection belongs to the next one', async () => {
      let cancel = (): void => undefined;
      const response = await send({ body: 'a', onCancel: (given) => (cancel = given) });
      const other = await send({ body: 'b' });
      cancel();
      response.stream().destroy();
      assert.equal(await textOf(other), 'b');
      assert.equal(await post('c'), 'c');
      assert.equal(sockets.length, 1);
    });

    it('when its stream is destroyed', async () => {
      act = say(`${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`);
      (await send()).stream().destroy();
      await until('the end', () => sockets.at(-1)?.destroyed === true);
    });

    it('what is silent for too long, in every phase', async () => {
      for (const text of ['', HEAD]) {
        act = (socket) => text !== '' && socket.write(text);
        await refusal('upstreamTimeout', () => get({ idleMs: 60 }));
        await until('the end', () => sockets.at(-1)?.destroyed === true);
      }
      act = say(`${HEAD}Content-Length: 5\r\n\r\nab`);
      const found = await failureOf((await send({ idleMs: 60 })).stream());
      await refusal('upstreamTimeout', () => Promise.reject(found as Error));
      await until('the end', () => sockets.at(-1)?.destroyed === true);
    });
  });

  it('makes a server wait for a slow reader, who gets everything', async () => {
    const piece = 'x'.repeat(100_000);
    let written = 0;
    act = (socket) => {
      const more = (): void => {
        while (written < 300) {
          written += 1;
          if (!socket.write(`186a0\r\n${piece}\r\n`)) {
            socket.once('drain', more);
            return;
          }
        }
        socket.write('0\r\n\r\n');
      };
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      more();
    };
    for (const early of [true, false]) {
      written = 0;
      const response = await send();
      if (early) response.stream();
      const before = await settled('nothing more is taken', () => written);
      assert.ok(before < 300, 'all was taken, though nobody reads');
      assert.equal((await textOf(response)).length, 30_000_000);
      act = echo;
      assert.equal(await post('next'), 'next');
      assert.equal(sockets.length, 1);
      act = (socket) => {
        socket.write(answer(piece.repeat(30)));
      };
      assert.equal((await textOf(await send())).length, 3_000_000);
      act = (socket) => {
        socket.write(`${HEAD}Content-Length: 30000000\r\n\r\n`);
        for (written = 0; written < 299; written += 1) socket.write(piece);
        socket.write(piece, () => (written = 300));
      };
      sockets[0]?.removeAllListeners('drain');
    }
  });

  it('reads answers in single bytes, with what is not ASCII in them', async () => {
    const body = 'data: ä密🔑\n\n';
    for (const text of [
      answer(body, 'X-A: b'),
      `${HEAD}X-A: b\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)};a=b\r\n${body}\r\n0\r\nc: d\r\n\r\n`,
      `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${answer(body, 'x-a:b')}`,
    ]) {
      act = (socket) => {
        void (async () => {
          for (const byte of Buffer.from(text)) {
            socket.write(Buffer.of(byte));
            await new Promise(setImmediate);
          }
        })();
      };
      const response = await send();
      assert.deepEqual([response.status, response.headers['x-a']], [200, 'b']);
      assert.equal(await textOf(response), body);
    }
    assert.equal(sockets.length, 1);
  });

  it('gives small answers as a whole, and streams as they come', async () => {
    const whole = await send({ body: 'ab' });
    assert.equal(whole.arrived?.toString(), 'ab');
    assert.equal(await textOf(whole), 'ab');
    assert.equal(whole.arrived, undefined);
    act = say(`${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`);
    const streamed = await send();
    assert.equal(streamed.arrived, undefined);
    const body = streamed.stream();
    assert.equal(streamed.stream(), body);
    let read = '';
    body.on('data', (chunk: Buffer) => (read += chunk.toString()));
    const ended = once(body, 'end');
    await until('the first', () => read === 'a');
    sockets.at(-1)?.write('1\r\nb\r\n');
    await until('the second', () => read === 'ab');
    sockets.at(-1)?.write('0\r\n\r\n');
    await ended;
    const large = 'ä密🔑'.repeat(1_000_000);
    act = say(answer(large));
    assert.ok((await textOf(await send())) === large);
    assert.equal(sockets.length, 1);
  });

  it('sends large bodies whole', async () => {
    const body = 'ä密🔑'.repeat(500_000);
    const length = Buffer.byteLength(body);
    let headLength = -1;
    let size = 0;
    act = (socket, text) => {
      // Looked for once only: to look at all that has come, with each piece, takes long.
      if (headLength < 0) headLength = (received[0] ?? '').indexOf('\r\n\r\n');
      size += text.length;
      if (headLength >= 0 && size >= headLength + 4 + length) socket.write(answer('taken'));
    };
    assert.equal(await post(body), 'taken');
    assert.equal(received[0]?.split('\r\n\r\n')[1], Buffer.from(body).toString('latin1'));
  });

  it('drops what nobody wants, and uses the connection again', async () => {
    act = say(answer('x'.repeat(50_000)));
    (await send()).discard();
    await settle();
    act = echo;
    assert.equal(await post('a'), 'a');
    assert.equal(sockets.length, 1);
  });

  it('breaks off what nobody wants if there is much of it', async () => {
    act = say(answer('x'.repeat(1_000_000)));
    (await send()).discard();
    await until('its end', () => sockets[0]?.destroyed === true);
    act = echo;
    assert.equal(await post('a'), 'a');
    assert.equal(sockets.length, 2);
  });

  it('follows a redirect on the same connection', async () => {
    act = (socket, text) =>
      socket.write(text.includes(' /mcp ') ? 'HTTP/1.1 307 x\r\nLocation: /there\r\nContent-Length: 3\r\n\r\nabc' : answer('there'));
    assert.equal(await textOf(await send({ body: 'a' })), 'there');
    assert.equal(received.join('').split('POST').length, 3);
  });

  describe('when it is closed', () => {
    it('drops what it keeps', async () => {
      await post('a');
      await settle();
      connections.close();
      await until('the end', () => sockets[0]?.destroyed === true);
    });

    for (const repeatable of [false, true]) {
      it(`ends what is under way with an error: ${repeatable ? 'a GET' : 'a POST'}`, async () => {
        const ask = (): Promise<UpstreamResponse> => send({ method: repeatable ? 'GET' : 'POST', repeatable });
        act = say(`${HEAD}Content-Length: 5\r\n\r\nab`);
        const body = failureOf((await ask()).stream());
        act = () => undefined;
        const head = outcomeOf(ask);
        await until('the request', () => received.length === 2 && received[1] !== '');
        const connecting = outcomeOf(ask);
        connections.close();
        for (const found of [body, head, connecting]) {
          const error = await Promise.race([found, sleep(20_000, 'is still waiting', { ref: false })]);
          await refusal('upstreamClosed', () => Promise.reject(error as Error));
        }
        await settle();
        await until('the end of all', () => sockets.every(isOver));
        assert.ok(sockets.length <= 3, 'nothing is sent again');
      });
    }
  });
});
