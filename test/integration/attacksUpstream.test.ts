import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import type { Incoming } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import type { Answer } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { textOf } from './support/scripted';
import type { Serving } from './support/serving';
import { Workplace } from './support/workplace';

const MiB = 1024 * 1024;
/** What an upstream may send at most, unpacked, and some more. */
const TOO_MUCH = 100 * MiB;
/** Too large, or packed so well that it is not believed to be an answer. */
const GIVEN_UP = /^upstreamTooLarge$|^replyTooLarge$|^upstreamNonsense$/;

describe('attacks by an upstream', function () {
  this.timeout(120_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let agent: Agent;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    const { url } = upstream;
    const secrets = { TOKEN: 'bearer' };
    await place.servers({ one: { url, secrets }, brief: { url, secrets, limits: { maxCallTime: '2s' } } }, 'one', 'brief');
    serving = await place.serve(['--timeout', '20']);
    agent = new Agent(serving, 'one');
    await agent.initialize();
  });

  beforeEach(() => {
    upstream.reset();
  });

  /** Answers plainly again. A server that fails a few times in a row is left alone for a while. */
  async function works(): Promise<void> {
    upstream.reset();
    assert.equal(textOf(await agent.tool('do')), 'done', 'the next call is served');
  }

  afterEach(async () => {
    await works();
    // The connection of that call is kept for the next one; those that were attacked with are gone.
    await until('no connection is left over', async () => (await upstream.openConnections()) <= 1);
  });

  after(async () => {
    agent.close();
    await place.close();
    await upstream.stop();
  });

  /** Answers the next tool calls in this way. */
  function answering(answer: (response: ServerResponse, message: Incoming) => void): void {
    upstream.script = ({ message }, response) => {
      if (message?.method !== 'tools/call') return false;
      answer(response, message);
      return true;
    };
  }

  function kindOf({ messages }: Answer): string | undefined {
    return messages.find(({ error }) => error !== undefined)?.error?.data?.kind;
  }

  /** Writes a text again and again until there is too much of it or nobody listens. */
  function flood(response: ServerResponse, text: string, end = ''): void {
    let written = 0;
    const more = (): void => {
      while (!response.destroyed && written < TOO_MUCH) {
        written += text.length;
        if (!response.write(text)) {
          response.once('drain', more);
          return;
        }
      }
      if (!response.destroyed) response.end(end);
    };
    more();
  }

  /** The proxy's memory, in MiB. */
  async function memory(): Promise<number> {
    const { readFile } = await import('node:fs/promises');
    const status = await readFile(`/proc/${String(serving.pid)}/status`, 'utf8').catch(() => '');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  }

  describe('a reply that explodes when it is unpacked', () => {
    const bomb = Buffer.alloc(TOO_MUCH, 0x20);
    const packings: [string, () => Buffer][] = [
      ['gzip', () => gzipSync(bomb)],
      ['deflate', () => deflateSync(bomb)],
      ['br', () => brotliCompressSync(bomb, { params: { [1 /* BROTLI_PARAM_QUALITY */]: 4 } })],
    ];
    for (const [encoding, pack] of packings) {
      it(`${encoding}: JSON`, async () => {
        const packed = pack();
        assert.ok(packed.length < MiB);
        answering((response) => response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(packed));
        const before = await memory();
        for (let n = 0; n < 3; n += 1) assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP);
        await until('the memory is given back', async () => (await memory()) < before + 300);
      });

      it(`${encoding}: an event without an end`, async () => {
        const packed = pack();
        answering((response) => response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding }).end(packed));
        assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP);
      });
    }

    it('packed twice, or in a way that nobody knows: not unpacked at all', async () => {
      for (const encoding of ['gzip, gzip', 'gzip,br', 'identity, gzip', 'zstd', 'compress', 'x']) {
        answering((response) =>
          response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(gzipSync(gzipSync(bomb))),
        );
        assert.equal(kindOf(await agent.tool('do')), 'upstreamNonsense', encoding);
        await works();
      }
    });

    it('broken, or cut off', async () => {
      const whole = gzipSync(JSON.stringify(answerTo({ id: 1 }, textResult('x'.repeat(100_000)))));
      for (const packed of [
        Buffer.from('no gzip at all'),
        whole.subarray(0, whole.length / 2),
        Buffer.concat([whole.subarray(0, 20), whole]),
      ]) {
        answering((response) => response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(packed));
        assert.match(kindOf(await agent.tool('do')) ?? '', /^upstream(?:Nonsense|Closed)$/);
        await works();
      }
    });

    it('packed honestly: passed on, without the values that it holds', async () => {
      for (const [encoding, pack] of [
        ['gzip', gzipSync],
        ['deflate', deflateSync],
        ['br', brotliCompressSync],
      ] as const) {
        answering((response, message) => {
          const packed = pack(JSON.stringify(answerTo(message, textResult(`it is ${token}`))));
          response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(packed);
        });
        const answer = await agent.tool('do');
        assert.equal(textOf(answer), 'it is [redacted:TOKEN]', encoding);
        assert.equal(answer.headers['content-encoding'], undefined);
      }
    });
  });

  describe('a reply without measure', () => {
    it('100 MiB of JSON: given up, also when it says so before', async () => {
      const before = await memory();
      answering((response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        flood(response, '"'.padEnd(MiB, 'x'));
      });
      assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP);
      answering((response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': TOO_MUCH });
        flood(response, ' '.repeat(MiB));
      });
      assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP);
      await until('the memory is given back', async () => {
        await agent.tool('do');
        return (await memory()) < before + 300;
      });
    });

    it('one event of 100 MiB: given up', async () => {
      answering((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: "');
        flood(response, 'x'.repeat(MiB), '"\n\n');
      });
      assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP);
    });

    it('events that never end, of lines without a blank one: given up', async () => {
      for (const line of [': comment\n', 'data: x\n', 'id: 1\r\n']) {
        answering((response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          flood(response, line.repeat(Math.ceil(MiB / line.length)));
        });
        assert.match(kindOf(await agent.tool('do')) ?? '', GIVEN_UP, line);
        await works();
      }
    });

    it('headers without end', async () => {
      answering((response) => {
        for (let n = 0; n < 100; n += 1) response.setHeader(`x-${String(n)}`, 'x'.repeat(1000));
        response.writeHead(200).end('{}');
      });
      assert.match(kindOf(await agent.tool('do')) ?? '', /^upstream/);
    });

    it('to an agent that does not read: the server is held up, and the memory stays', async () => {
      const before = await memory();
      let wrote = 0;
      answering((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const text = `: ${'x'.repeat(64 * 1024)}\n\n`;
        const more = (): void => {
          while (!response.destroyed && wrote < 4 * TOO_MUCH) {
            wrote += text.length;
            if (!response.write(text)) {
              response.once('drain', more);
              return;
            }
          }
        };
        more();
      });
      const { response, abort } = agent.begin('POST', '{"jsonrpc":"2.0","id":"slow","method":"tools/call","params":{"name":"do"}}');
      const reading = await response;
      reading.on('error', () => undefined);
      let last = -1;
      await until('nothing more is taken', async () => {
        const stands = wrote === last && wrote > 0;
        last = wrote;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return stands;
      });
      assert.ok(wrote < TOO_MUCH, `took ${String(wrote)}`);
      await until('the memory stays', async () => (await memory()) < before + 100);
      abort();
    });
  });

  describe('an answer that drips', () => {
    it('ends at the ceiling of the call, in the headers, the body and a stream', async () => {
      const brief = new Agent(serving, 'brief');
      await brief.initialize();
      for (const type of ['', 'application/json', 'text/event-stream']) {
        let closed = false;
        answering((response) => {
          const end = (): void => {
            closed = true;
          };
          response.on('close', end);
          if (type === '') return;
          response.writeHead(200, { 'content-type': type });
          const drip = setInterval(() => response.write(type === 'application/json' ? ' ' : ': x\n\n'), 50);
          response.on('close', () => {
            clearInterval(drip);
          });
        });
        const answer = await brief.tool('do');
        assert.match(kindOf(answer) ?? '', /^upstreamTimeout$|^callTooLong$/, type);
        await until('the server is left', () => closed);
      }
      brief.close();
    });

    it('ends for the server when the agent has gone', async () => {
      for (const type of ['application/json', 'text/event-stream']) {
        let closed = false;
        answering((response) => {
          response.writeHead(200, { 'content-type': type });
          const drip = setInterval(() => response.write(type === 'application/json' ? ' ' : ':'), 50);
          response.on('close', () => {
            clearInterval(drip);
            closed = true;
          });
        });
        const { response, abort } = agent.begin('POST', '{"jsonrpc":"2.0","id":"drip","method":"tools/call","params":{"name":"do"}}');
        response.catch(() => undefined);
        await until('the server is asked', () => upstream.of('tools/call').length > 0);
        abort();
        await until('the server is left', () => closed);
        upstream.reset();
      }
    });
  });

  describe('JSON that is meant to do harm', () => {
    it('a prototype in a result changes nothing here, and arrives as it was', async () => {
      const result =
        '{"content":[{"type":"text","text":"x"}],"__proto__":{"polluted":1,"method":"x"},"constructor":{"prototype":{"polluted":1}}}';
      answering((response, message) =>
        json(response, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${result},"__proto__":{"error":1}}`),
      );
      const answer = await agent.tool('do');
      assert.ok(answer.body.includes(result), answer.body);
      answering((response, message) => json(response, answerTo(message, textResult('clean'))));
      const clean = await agent.tool('do');
      assert.ok(!clean.body.includes('polluted'));
    });

    it('100,000 levels: arrive, or are refused', async () => {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const deep = `${open.repeat(100_000)}"${token}"${close.repeat(100_000)}`;
        answering((response, message) => json(response, `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"deep":${deep}}}`));
        const body = await bodyOf(agent);
        assert.ok(!body.includes(token));
        answering((response, message) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(`data: {"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"deep":${deep}}}\n\n`);
        });
        assert.ok(!(await bodyOf(agent)).includes(token));
        answering((response, message) =>
          json(response, `[{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"deep":${deep}}}]`),
        );
        assert.ok(!(await bodyOf(agent)).includes(token));
        await works();
      }
    });

    it('a value below 100,000 layers of escapes is nobody’s any more', async () => {
      const text = `${'\\'.repeat(100_000)}u0041`;
      answering((response, message) => json(response, answerTo(message, textResult(text))));
      assert.equal(textOf(await agent.tool('do')), text);
    });
  });

  describe('text that is none', () => {
    it('invalid UTF-8: the agent gets valid UTF-8, with nothing hidden between', async () => {
      const pieces = [
        Buffer.from([0xff]),
        Buffer.from([0xc1, 0x81]),
        Buffer.from([0xed, 0xa0, 0x80]),
        Buffer.from([0xf5, 0x80, 0x80, 0x80]),
        Buffer.from([0xe2, 0x82]),
      ];
      for (const piece of pieces) {
        for (const type of ['application/json', 'text/event-stream']) {
          answering((response, message) => {
            const [head = '', tail = ''] = JSON.stringify(answerTo(message, textResult('a#b'))).split('#');
            const bytes = Buffer.concat([Buffer.from(head), piece, Buffer.from(tail)]);
            response.writeHead(200, { 'content-type': type });
            response.end(type === 'application/json' ? bytes : Buffer.concat([Buffer.from('data: '), bytes, Buffer.from('\n\n')]));
          });
          const bytes = await bytesOf(agent);
          assert.ok(isUtf8(bytes), `${type} ${piece.toString('hex')}`);
          assert.ok(bytes.toString().includes('a\ufffd'), bytes.toString());
        }
      }
    });

    it('halves of surrogate pairs arrive as they were', async () => {
      answering((response, message) =>
        json(
          response,
          `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"content":[{"type":"text","text":"\\ud83d and \\udc00"}]}}`,
        ),
      );
      const answer = await agent.tool('do');
      assert.ok(answer.body.includes('\\ud83d and \\udc00'), answer.body);
    });

    it('a byte order mark, UTF-16, NUL: no message', async () => {
      for (const [name, bytes] of [
        ['utf-16', Buffer.from('\ufeff{"jsonrpc":"2.0","id":1,"result":{}}', 'utf16le')],
        ['nul', Buffer.from('\0{"jsonrpc":"2.0","id":1,"result":{}}')],
      ] as const) {
        answering((response) => response.writeHead(200, { 'content-type': 'application/json' }).end(bytes));
        assert.equal(kindOf(await agent.tool('do')), 'upstreamNonsense', name);
        await works();
      }
    });
  });

  async function bytesOf(from: Agent): Promise<Buffer> {
    const response = await from.open('POST', '{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"do"}}');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async function bodyOf(from: Agent): Promise<string> {
    return (await bytesOf(from)).toString();
  }
});

describe('attacks by something that is no HTTP server', function () {
  this.timeout(120_000);
  const place = new Workplace();
  let listener: Server;
  let serving: Serving;
  let agent: Agent;
  let reply: (socket: Socket) => void = () => undefined;
  const sockets = new Set<Socket>();

  before(async () => {
    listener = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      socket.once('data', () => {
        reply(socket);
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    await place.addHttp('odd', `http://127.0.0.1:${String((listener.address() as AddressInfo).port)}/mcp`);
    serving = await place.serve(['--timeout', '5']);
    agent = new Agent(serving, 'odd');
  });

  /** What it would answer if it were a server: one that fails a few times in a row is left alone for a while. */
  const honest = '{"jsonrpc":"2.0","id":"x","result":{"n":1}}';
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${String(honest.length)}\r\n\r\n`;
  const ask = (): ReturnType<Agent['post']> => agent.post('{"jsonrpc":"2.0","id":"x","method":"ping"}');

  afterEach(async () => {
    reply = (socket) => socket.end(`${head}${honest}`);
    assert.deepEqual((await ask()).messages[0]?.result, { n: 1 });
    await until('no connection is left over', () => sockets.size === 0);
  });

  after(async () => {
    agent.close();
    await place.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });

  const answers: [string, string][] = [
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a header that breaks', 'HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 0\r\n\r\n'],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
    ['nothing', ''],
  ];
  for (const [name, bytes] of answers) {
    it(`${name}: an error, and nothing more`, async () => {
      reply = (socket) => socket.end(bytes, 'latin1');
      const { messages } = await ask();
      assert.match(messages[0]?.error?.data?.kind ?? '', /^upstream/);
    });
  }

  it('more answers than questions: the second one is nobody’s', async () => {
    reply = (socket) => socket.write(`${head}${honest}${head}${honest.replace('1}}', '2}}')}`);
    assert.deepEqual((await ask()).messages[0]?.result, { n: 1 });
    assert.deepEqual((await ask()).messages[0]?.result, { n: 1 });
    for (const socket of sockets) socket.destroy();
  });
});
