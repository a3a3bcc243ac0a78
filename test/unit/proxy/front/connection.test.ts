import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, Server as HttpServer } from 'node:http';
import { connect, createServer as createPlainServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../../../src/proxy/front/connection';
import { listenOnPort } from '../../../../src/proxy/front/listeners';
import type { Handler, Listener } from '../../../../src/proxy/front/listeners';
import type { AgentRequest } from '../../../../src/proxy/front/request';
import type { Response } from '../../../../src/proxy/front/response';
import { SocketResponse } from '../../../../src/proxy/front/socketResponse';
import { settled, until } from '../../../integration/support/eventually';

/** One request, as the handler got it. */
interface Handled {
  readonly request: AgentRequest;
  readonly response: Response;
  /** Whether it was read without `node:http`. */
  readonly isOurs: boolean;
  /** How often it was said to be over, and whether it was complete then. */
  readonly closed: boolean[];
}

/** The other ends of all connections to this process, by the port that they come from. */
const otherEnds = new Map<number | undefined, Socket>();
const noteOtherEnd = (message: unknown): void => {
  const { socket } = message as { socket: Socket };
  otherEnds.set(socket.remotePort, socket);
};

/** What is written for this one, on one connection and then maybe another. */
class Caller {
  readonly socket: Socket;
  received = '';
  ended = false;
  readonly gone: Promise<unknown>;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.socket
      .setEncoding('latin1')
      .on('data', (text: string) => (this.received += text))
      .on('end', () => {
        this.ended = true;
        this.socket.end();
      })
      .on('error', () => undefined);
    this.gone = once(this.socket, 'close').catch(() => undefined);
  }

  /** Sends it, and lets the other side, which is in this process, read it as a piece of its own, and has turns to do something with it. */
  async send(text: string): Promise<void> {
    // What is written before that goes out later, together with what comes next.
    if (this.socket.connecting) await once(this.socket, 'connect');
    const { localPort } = this.socket;
    this.socket.write(text);
    await sleep(10);
    await until('it is read', () => {
      const other = otherEnds.get(localPort);
      return this.socket.destroyed || (other !== undefined && (other.destroyed || other.bytesRead >= this.socket.bytesWritten));
    });
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
  }

  /** The bodies of the answers so far. All of them have a length. */
  get answers(): string[] {
    const found: string[] = [];
    for (let rest = this.received; rest !== '';) {
      const [head, length] = /^HTTP\/1\.1 [^]*?content-length: (\d+)[^]*?\r\n\r\n/i.exec(rest) ?? [];
      if (head === undefined || rest.length < head.length + Number(length)) break;
      found.push(rest.slice(head.length, head.length + Number(length)));
      rest = rest.slice(head.length + Number(length));
    }
    return found;
  }

  async answered(count: number): Promise<string[]> {
    await until(`${String(count)} answers, of ${this.received}`, () => this.answers.length >= count);
    return this.answers;
  }
}

const post = (body: string, headers = ''): string =>
  `POST /mcp/one HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}Content-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
const GET = 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

function json(response: Response, body: string | Buffer, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(200, { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

describe('a connection of an agent', function () {
  this.timeout(60_000);
  let listener: Listener;
  let handled: Handled[] = [];
  const callers: Caller[] = [];
  const agents: Agent[] = [];
  /** Answers with what was asked. */
  const echo: Handler = (asked, response) => {
    void (async () => {
      json(response, `${asked.method} ${asked.url} ${(await asked.body()).toString()}`);
    })();
  };
  let answer: Handler = echo;

  const note = (asked: AgentRequest, response: Response): void => {
    const closed: boolean[] = [];
    handled.push({ request: asked, response, isOurs: response instanceof SocketResponse, closed });
    response.once('close', () => closed.push(response.writableFinished));
  };
  const ways = (): boolean[] => handled.map(({ isOurs }) => isOurs);
  const call = (port = listener.port): Caller => {
    const caller = new Caller(port);
    callers.push(caller);
    return caller;
  };
  const keptAlive = (): Agent => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    return agent;
  };

  /** One request by `node:http`. */
  async function ask(
    agent: Agent,
    method: string,
    body: string | undefined,
  ): Promise<{ incoming: IncomingMessage; text: string; port: number }> {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ port: listener.port, host: '127.0.0.1', path: '/mcp/one', method, agent, headers });
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    outgoing.on('error', () => undefined).end(body);
    const [incoming] = await answered;
    const port = incoming.socket.localPort ?? 0;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    return { incoming, text: Buffer.concat(chunks).toString(), port };
  }

  before(() => {
    subscribe('net.server.socket', noteOtherEnd);
  });
  after(() => {
    unsubscribe('net.server.socket', noteOtherEnd);
  });

  beforeEach(async () => {
    otherEnds.clear();
    handled = [];
    answer = echo;
    listener = await listenOnPort(0, (asked, response) => {
      note(asked, response);
      answer(asked, response);
    });
  });

  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.destroy();
    for (const { socket } of callers.splice(0)) socket.destroy();
    await listener.close();
  });

  describe('answers', () => {
    it('1,000 requests of node:http on one connection', async () => {
      const agent = keptAlive();
      const ports = new Set<number>();
      for (let i = 0; i < 1_000; i += 1) {
        const body = `{"id":${String(i)},"text":"ä密🔑${'x'.repeat(i)}"}`;
        const { text, incoming, port } = await ask(agent, 'POST', body);
        assert.equal(text, `POST /mcp/one ${body}`);
        assert.equal(incoming.statusCode, 200);
        ports.add(port);
      }
      assert.equal(ports.size, 1);
      assert.ok(ways().every((isOurs) => isOurs));
      assert.ok(handled.every(({ closed }) => closed.join() === 'true'));
    });

    it('requests of fetch, one after the other and all at once', async () => {
      const url = `http://127.0.0.1:${String(listener.port)}/mcp/one`;
      const one = async (i: number): Promise<void> => {
        const response = await fetch(url, { method: 'POST', body: `{"id":"${'密'.repeat(i)}"}` });
        assert.equal(await response.text(), `POST /mcp/one {"id":"${'密'.repeat(i)}"}`);
      };
      for (let i = 0; i < 100; i += 1) await one(i);
      await Promise.all(Array.from({ length: 50 }, (_, i) => one(i)));
    });

    it('with what node:http would have in its head', async () => {
      const agent = keptAlive();
      const { incoming: ours } = await ask(agent, 'POST', '{}');
      await ask(agent, 'GET', undefined);
      const { incoming: theirs } = await ask(agent, 'POST', '{}');
      assert.deepEqual(ways(), [true, false, false]);
      assert.deepEqual({ ...ours.headers, date: '' }, { ...theirs.headers, date: '' });
      assert.equal(ours.statusMessage, theirs.statusMessage);
      assert.ok(Math.abs(Date.parse(ours.headers.date ?? '') - Date.now()) < 5_000);
    });

    it('a GET after a POST, and what comes then, by node:http', async () => {
      const agent = keptAlive();
      const ports = new Set<number>();
      for (const [method, body] of [
        ['POST', 'a'],
        ['POST', 'b'],
        ['GET', undefined],
        ['POST', 'c'],
        ['DELETE', undefined],
        ['POST', 'd'],
      ] as const) {
        const { text, port } = await ask(agent, method, body);
        assert.equal(text, `${method} /mcp/one ${body ?? ''}`);
        ports.add(port);
      }
      assert.equal(ports.size, 1);
      assert.deepEqual(ways(), [true, true, false, false, false, false]);
    });

    it('a POST that is cut anywhere', async () => {
      const text = post('{"a":"b"}');
      const whole = call();
      await whole.send(text);
      await whole.answered(1);
      for (const at of [1, 4, 20, text.indexOf('\r\n\r\n') + 2, text.indexOf('\r\n\r\n') + 4, text.length - 1]) {
        const caller = call();
        await caller.send(text.slice(0, at));
        await caller.send(text.slice(at));
        assert.deepEqual(await caller.answered(1), ['POST /mcp/one {"a":"b"}']);
        await caller.send(text);
        assert.deepEqual(await caller.answered(2), ['POST /mcp/one {"a":"b"}', 'POST /mcp/one {"a":"b"}']);
      }
      assert.deepEqual(ways(), [true, ...Array<boolean>(12).fill(false)]);
    });

    it('a POST in single bytes, with chunks, with Expect', async () => {
      const caller = call();
      for (const byte of post('ab')) caller.socket.write(byte);
      await caller.answered(1);
      await caller.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n');
      assert.deepEqual(await caller.answered(2), ['POST /mcp/one ab', 'POST / cd']);
      const patient = call();
      await patient.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n');
      await until('the answer to Expect', () => patient.received !== '');
      assert.match(patient.received, /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      patient.received = '';
      await patient.send('ef');
      assert.deepEqual(await patient.answered(1), ['POST / ef']);
    });

    it('nonsense as node:http does', async () => {
      for (const text of ['nonsense\r\n\r\n', 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', post('', 'Content-Length: 1\r\n')]) {
        const caller = call();
        await caller.send(text);
        await caller.gone;
        assert.match(caller.received, /^HTTP\/1\.1 400 Bad Request\r\n/);
        const later = call();
        await later.send(post('a'));
        await later.answered(1);
        later.received = '';
        await later.send(text);
        await later.gone;
        assert.match(later.received, /^HTTP\/1\.1 400 Bad Request\r\n/);
      }
    });
  });

  describe('that does not wait for answers', () => {
    it('gets them all in order, whether they are asked for in one piece or in two', async () => {
      const one = call();
      await one.send(post('a') + post('b') + GET + post('c'));
      assert.deepEqual(await one.answered(4), ['POST /mcp/one a', 'POST /mcp/one b', 'GET /health ', 'POST /mcp/one c']);
      const two = call();
      two.socket.write(post('a'));
      two.socket.write(post('b'));
      two.socket.write(post('c'));
      assert.deepEqual(await two.answered(3), ['POST /mcp/one a', 'POST /mcp/one b', 'POST /mcp/one c']);
    });

    it('gets them in order when it asks while it is answered, also in pieces', async () => {
      for (const pieces of [
        [post('b') + post('c')],
        [post('b'), post('c')],
        [post('b').slice(0, 10), post('b').slice(10), post('c')],
        [...post('b').split(/(?=[^])/), post('c').slice(0, -1), post('c').slice(-1)],
        [post('b'), post('c').slice(0, 30), post('c').slice(30)],
        [post('b'), post('c').slice(0, 30)],
      ]) {
        handled = [];
        const caller = call();
        let release = (): void => undefined;
        answer = (asked, response) => {
          answer = echo;
          release = () => {
            echo(asked, response);
          };
        };
        await caller.send(post('a'));
        await until('it is read', () => handled.length === 1);
        for (const piece of pieces) await caller.send(piece);
        assert.equal(handled.length, 1, 'one after the other');
        release();
        if (pieces.join('').length < 2 * post('b').length) {
          await caller.answered(2);
          await caller.send(post('c').slice(30));
        }
        assert.deepEqual(await caller.answered(3), ['POST /mcp/one a', 'POST /mcp/one b', 'POST /mcp/one c']);
        assert.deepEqual(ways(), [true, false, false]);
        assert.equal(caller.received.split('HTTP/1.1 200 OK').length, 4);
      }
    });

    it('gets what it asked for while an event stream came', async () => {
      const caller = call();
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: a\n\n');
        answer = echo;
      };
      await caller.send(post('a'));
      await until('the first is read', () => handled.length === 1);
      await caller.send(post('b'));
      handled[0]?.response.write('data: b\n\n');
      handled[0]?.response.end();
      await until('both', () => caller.received.endsWith('POST /mcp/one b'));
      assert.match(caller.received, /data: a\n\n\r\n[^]*data: b\n\n\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    });
  });

  describe('whose agent goes away', () => {
    const silent: Handler = () => undefined;

    it('in the middle: its response is over, and not complete', async () => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: a\n\n');
      };
      for (const start of [silent, answer]) {
        for (const leave of ['destroy', 'resetAndDestroy'] as const) {
          handled = [];
          answer = start;
          const caller = call();
          await caller.send(post('a'));
          await until('it is read', () => handled.length === 1);
          assert.deepEqual([ways(), handled[0]?.closed], [[true], []]);
          caller.socket[leave]();
          await until('its end', () => handled[0]?.closed.length === 1);
          assert.deepEqual([handled[0]?.closed, handled[0]?.response.destroyed], [[false], true]);
          handled[0]?.response.write('data: too late\n\n');
          handled[0]?.response.end();
          await sleep(10);
          assert.deepEqual([handled[0]?.closed, handled[0]?.response.writableFinished], [[false], false]);
        }
      }
    });

    it('while it does not read: its response is over, and not complete', async () => {
      answer = (_, response) => {
        json(response, 'x'.repeat(20_000_000));
      };
      const caller = call();
      caller.socket.pause();
      await caller.send(post('a'));
      await until('it is read', () => handled.length === 1);
      const [{ closed } = { closed: [true] }] = handled;
      assert.deepEqual(closed, []);
      caller.socket.resetAndDestroy();
      await until('its end', () => closed.length === 1);
      assert.deepEqual(closed, [false]);
    });

    it('while it does not read, after it asked for more: nothing else happens', async () => {
      answer = (_, response) => {
        json(response, 'x'.repeat(20_000_000));
      };
      const caller = call();
      caller.socket.pause();
      await caller.send(post('a'));
      await until('it is read', () => handled.length === 1);
      await caller.send(post('b'));
      caller.socket.resetAndDestroy();
      await until('its end', () => handled[0]?.closed.length === 1);
      await sleep(50);
      assert.equal(handled.length, 1);
      const other = call();
      answer = echo;
      await other.send(post('c'));
      assert.deepEqual(await other.answered(1), ['POST /mcp/one c']);
    });

    it('after it asked for more: its response is over, as with node:http', async () => {
      for (const first of [post('a'), GET]) {
        handled = [];
        answer = silent;
        const caller = call();
        await caller.send(first);
        await until('it is read', () => handled.length === 1);
        await caller.send(post('b'));
        caller.socket.destroy();
        await until('its end', () => handled[0]?.closed.length === 1);
        assert.deepEqual([handled.length > 0 && handled[0]?.closed, handled[0]?.isOurs], [[false], first !== GET]);
      }
    });

    it('by half, before it is answered: it does not get an answer, as with node:http', async () => {
      for (const text of [post('a'), GET]) {
        handled = [];
        answer = silent;
        const caller = call();
        await caller.send(text);
        await until('it is read', () => handled.length === 1);
        caller.socket.end();
        await caller.gone;
        assert.deepEqual([caller.received, caller.ended], ['', true]);
        await until('its end', () => handled[0]?.closed.length === 1);
        assert.deepEqual([handled[0]?.closed, handled[0]?.isOurs], [[false], text !== GET]);
      }
    });

    it('by half, when it is answered: it gets all of that', async () => {
      answer = (_, response) => {
        json(response, 'x'.repeat(5_000_000));
      };
      const caller = call();
      caller.socket.pause();
      await caller.send(post('a'));
      await until('it is read', () => handled.length === 1);
      caller.socket.end();
      await sleep(50);
      caller.socket.resume();
      await caller.gone;
      assert.equal(caller.answers[0]?.length, 5_000_000);
      assert.ok(caller.ended);
      assert.deepEqual(handled[0]?.closed, [true]);
    });

    it('by half, in the same moment in which it asks: it is answered', async () => {
      for (const text of [post('a'), post('a').slice(0, 10), '']) {
        const caller = call();
        caller.socket.end(text);
        await caller.gone;
        if (text === post('a')) assert.equal(caller.received === '' || caller.answers.length === 1, true);
        assert.ok(caller.ended);
      }
    });

    it('between two requests: nothing is left', async () => {
      const caller = call();
      await caller.send(post('a'));
      await caller.answered(1);
      caller.socket.end();
      await caller.gone;
      assert.ok(caller.ended);
    });
  });

  describe('streams', () => {
    const events: Handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      void (async () => {
        for (let i = 0; i < 200; i += 1) {
          const text = `data: ${'ä密🔑'.repeat(i * 20)}\n\n`;
          const more = response.write(i % 2 === 0 ? text : Buffer.from(text));
          if (!more) await new Promise<void>((resolve) => void response.once('drain', resolve));
          if (i % 50 === 0) await sleep(5);
        }
        response.end('data: last\n\n');
      })();
    };
    const whole = `${Array.from({ length: 200 }, (_, i) => `data: ${'ä密🔑'.repeat(i * 20)}\n\n`).join('')}data: last\n\n`;

    it('come right at node:http and at fetch, and the connection can be used again', async () => {
      const agent = keptAlive();
      for (let i = 0; i < 3; i += 1) {
        answer = events;
        const { text, incoming } = await ask(agent, 'POST', '{}');
        assert.equal(text, whole);
        assert.equal(incoming.headers['transfer-encoding'], 'chunked');
        answer = echo;
        assert.equal((await ask(agent, 'POST', 'x')).text, 'POST /mcp/one x');
      }
      assert.ok(ways().every((isOurs) => isOurs));
      answer = events;
      const response = await fetch(`http://127.0.0.1:${String(listener.port)}/`, { method: 'POST', body: '{}' });
      assert.equal(await response.text(), whole);
    });

    it('have their head before they have anything else', async () => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        assert.equal(response.headersSent, true);
        response.flushHeaders();
        response.flushHeaders();
      };
      const caller = call();
      await caller.send(post('a'));
      await until('the head', () => caller.received.endsWith('\r\n\r\n'));
      assert.match(caller.received, /\r\ntransfer-encoding: chunked\r\n/i);
      handled[0]?.response.end();
      await until('the end', () => caller.received.endsWith('\r\n\r\n0\r\n\r\n'));
    });

    it('do not end when nothing is written', async () => {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('');
        response.write(Buffer.alloc(0));
        response.write('data: a\n\n');
        response.end('');
      };
      const agent = keptAlive();
      assert.equal((await ask(agent, 'POST', '{}')).text, 'data: a\n\n');
      assert.deepEqual(ways(), [true]);
    });

    it('that end at once, or with their first words, are whole', async () => {
      const agent = keptAlive();
      for (const last of [undefined, '', 'data: ä\n\n', Buffer.from('data: b\n\n')]) {
        answer = (_, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(last);
        };
        assert.equal((await ask(agent, 'POST', '{}')).text, (last ?? '').toString());
      }
    });
  });

  it('carries large bodies, in text and in bytes, in one and in more', async () => {
    const text = 'ä密🔑x'.repeat(5 * 1024 * 100);
    const agent = keptAlive();
    for (const [all, pieces] of [
      [text, 1],
      [Buffer.from(text), 1],
      [text, 7],
      [Buffer.from(text), 7],
      ['密'.repeat(65_536), 1],
      ['密'.repeat(65_537), 1],
      ['', 1],
      [Buffer.alloc(0), 1],
    ] as const) {
      answer = (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(all) });
        // Not within a surrogate pair: this many units are whole characters.
        const step = pieces === 1 ? Infinity : Math.floor(all.length / pieces / 25) * 25;
        let at = 0;
        for (; at + step < all.length; at += step) response.write(all.slice(at, at + step));
        response.end(all.slice(at));
      };
      const { text: received } = await ask(agent, 'POST', '{}');
      assert.ok(received === all.toString(), `${String(received.length)} of ${String(all.length)}`);
    }
    assert.ok(ways().every((isOurs) => isOurs));
  });

  it('waits for a slow reader, who gets everything', async () => {
    let taken = 0;
    const piece = `data: ${'x'.repeat(99_992)}\n\n`;
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      void (async () => {
        for (let i = 0; i < 200; i += 1) {
          if (!response.write(piece, () => (taken += 1))) await new Promise<void>((resolve) => void response.once('drain', resolve));
        }
        response.end();
      })();
    };
    const caller = call();
    caller.socket.pause();
    await caller.send(post('a'));
    const before = await settled('nothing more is taken', () => taken);
    assert.ok(before < 200, 'all was taken, though nobody reads');
    assert.ok((handled[0]?.response.writableLength ?? 0) > 0);
    caller.socket.resume();
    await until('the end', () => caller.received.endsWith('\r\n0\r\n\r\n'));
    assert.equal(taken, 200);
    assert.equal(caller.received.split(piece).length, 201);
    assert.deepEqual(handled[0]?.closed, [true]);
    answer = echo;
    caller.received = '';
    await caller.send(post('b'));
    assert.deepEqual(await caller.answered(1), ['POST /mcp/one b']);
  });

  it('is used again after answers without a body', async () => {
    answer = (_, response) => {
      response.writeHead(202, { 'content-length': 0 });
      response.end();
    };
    const agent = keptAlive();
    for (let i = 0; i < 20; i += 1) {
      const { incoming, text } = await ask(agent, 'POST', '{}');
      assert.deepEqual([incoming.statusCode, text], [202, '']);
    }
    assert.ok(ways().every((isOurs) => isOurs));
  });

  it('ends an answer once, however often that is said: what came after it would be a part of the next', async () => {
    const first: Response[] = [];
    answer = (_, response) => {
      for (const one of first) {
        one.end();
        one.write('data: late');
        one.end('data: late');
        one.destroy();
      }
      first.push(response);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: a\n\n');
      response.end();
      response.end();
      response.end('data: b\n\n');
    };
    const agent = keptAlive();
    const ports = new Set<number>();
    for (let i = 0; i < 5; i += 1) {
      const { text, port } = await ask(agent, 'POST', '{}');
      assert.equal(text, 'data: a\n\n');
      ports.add(port);
    }
    assert.equal(ports.size, 1);
  });

  it('notices that its agent goes away, whatever it has sent before that', async () => {
    answer = () => undefined;
    const caller = call();
    await caller.send(post('a'));
    await until('the request', () => handled.length === 1);
    for (const early of ['X', 'Y', 'Z'.repeat(1_000)]) {
      caller.socket.write(early);
      await sleep(20);
    }
    caller.socket.destroy();
    await until('its end', () => handled[0]?.closed.length === 1);
    assert.deepEqual(handled[0]?.closed, [false]);
  });

  it('is closed if it sends without end while it is answered', async () => {
    answer = () => undefined;
    const caller = call();
    await caller.send(post('a'));
    await until('the request', () => handled.length === 1);
    caller.socket.on('error', () => undefined).write('x'.repeat(2_000_000));
    await caller.gone;
    await until('its end', () => handled[0]?.closed.length === 1);
  });

  it('takes no header that would be more than one', async () => {
    const thrown: unknown[] = [];
    answer = (_, response) => {
      for (const value of ['a\r\nb: c', 'a\nb: c', 'a\rb', '\0', '\u0100']) {
        try {
          response.writeHead(200, { 'x-a': value });
        } catch (error) {
          thrown.push((error as NodeJS.ErrnoException).code);
        }
      }
      assert.equal(response.headersSent, false);
      json(response, '{}');
    };
    for (const text of [post('a'), GET]) {
      const caller = call();
      await caller.send(text);
      assert.deepEqual(await caller.answered(1), ['{}']);
      assert.doesNotMatch(caller.received, /x-a|\nb/);
    }
    assert.deepEqual(ways(), [true, false]);
    assert.deepEqual(thrown, Array<string>(10).fill('ERR_INVALID_CHAR'));
  });

  it('is dropped when its response is', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: a\n\n');
      setTimeout(() => response.destroy(), 20);
    };
    const caller = call();
    await caller.send(post('a'));
    await caller.gone;
    assert.doesNotMatch(caller.received, /0\r\n\r\n$/);
    await until('its end', () => handled[0]?.closed.length === 1);
    assert.deepEqual(handled[0]?.closed, [false]);
  });

  it('ends with its listener, whoever serves it', async () => {
    answer = () => undefined;
    const texts = ['', post('a'), GET, post('a').slice(0, 20)];
    const all = texts.map(() => call());
    await Promise.all(all.map((caller) => once(caller.socket, 'connect')));
    await Promise.all(all.map((caller, i) => caller.send(texts[i] ?? '')));
    await until('the whole ones are read', () => handled.length === 2);
    answer = echo;
    const idle = [call(), call()];
    await idle[0]?.send(post('a'));
    await idle[1]?.send(GET);
    for (const caller of idle) await caller.answered(1);
    const busy = call();
    answer = () => undefined;
    await busy.send(post('a'));
    await busy.send(post('b'));
    await listener.close();
    await Promise.all([...all, ...idle, busy].map((caller) => caller.gone));
    await until('the end of each', () => handled.every(({ closed }) => closed.length > 0));
    assert.ok(handled.every(({ closed }) => closed.length === 1));
    assert.deepEqual(handled.filter(({ closed }) => closed[0] === true).length, 2);
  });

  describe('without a listener', () => {
    let server: Server;
    let behind: HttpServer;
    let connections: Connection[] = [];
    const went: Connection[] = [];

    beforeEach(async () => {
      connections = [];
      went.length = 0;
      behind = createServer((_, response) => response.end('theirs')).listen(0, '127.0.0.1');
      await once(behind, 'listening');
      server = createPlainServer({ allowHalfOpen: true }, (socket) => {
        connections.push(
          new Connection(socket, {
            keepAliveSeconds: 20,
            firstSeconds: 10,
            handle: (asked, response) => {
              note(asked, response);
              answer(asked, response);
            },
            handOver: (handed) => behind.emit('connection', handed),
            gone: (connection) => went.push(connection),
          }),
        );
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });

    afterEach(() => {
      server.close();
      behind.close();
      behind.closeAllConnections();
      for (const connection of connections) connection.destroy();
    });

    const port = (): number => (server.address() as AddressInfo).port;
    const tend = (afterMs: number): void => {
      for (const connection of connections) if (!went.includes(connection)) connection.tend(performance.now() + afterMs);
    };

    it('is closed when it has been idle for too long, and only then', async () => {
      const fresh = call(port());
      await once(fresh.socket, 'connect');
      await until('the connection', () => connections.length === 1);
      tend(5_000);
      assert.equal(went.length, 0);
      tend(11_000);
      await fresh.gone;
      await until('its end', () => went.length === 1);
      assert.deepEqual(went, connections);

      const used = call(port());
      await used.send(post('a'));
      await used.answered(1);
      tend(15_000);
      await used.send(post('b'));
      await used.answered(2);
      assert.equal(went.length, 1);
      tend(21_000);
      await used.gone;
      await until('the end of the other', () => went.length === 2);
    });

    it('is not idle while it is answered', async () => {
      answer = () => undefined;
      const caller = call(port());
      await caller.send(post('a'));
      await until('it is read', () => handled.length === 1);
      tend(100_000);
      await sleep(20);
      assert.equal(went.length, 0);
      const [first] = handled;
      assert.ok(first);
      echo(first.request, first.response);
      assert.deepEqual(await caller.answered(1), ['POST /mcp/one a']);
      tend(15_000);
      await sleep(20);
      assert.equal(went.length, 0);
      tend(100_000);
      await caller.gone;
      await until('its end', () => went.length === 1);
    });

    it('is gone once, also when it is handed over', async () => {
      const caller = call(port());
      await caller.send(GET);
      await until('the answer', () => caller.received.endsWith('theirs'));
      assert.deepEqual(went, connections);
      tend(100_000);
      await caller.send(GET);
      await until('the other one', () => caller.received.split('theirs').length === 3);
      caller.socket.destroy();
      await caller.gone;
      await sleep(20);
      assert.deepEqual(went, connections);
    });
  });
});
