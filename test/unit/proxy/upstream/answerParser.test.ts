import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import fc from 'fast-check';
import { AnswerParser, NotHttp } from '../../../../src/proxy/upstream/answerParser';
import { isDoneWithin } from '../../support/timing';

/** What comes of an answer. The body is in latin1. */
interface Outcome {
  heads: { status: number; headers: IncomingHttpHeaders }[];
  body: string;
  /** `keepAlive` of each end. */
  ends: boolean[];
  thrown: boolean;
  /** What `close` says, where nothing was thrown. */
  complete: boolean;
}

/** @param pieces in latin1. */
function parsed(pieces: readonly string[]): Outcome {
  const outcome: Outcome = { heads: [], body: '', ends: [], thrown: false, complete: false };
  const parser = new AnswerParser({
    onHead: (status, headers) => {
      assert.deepEqual([outcome.heads, outcome.ends], [[], []], 'one head, and first');
      outcome.heads.push({ status, headers: { ...headers } });
    },
    onData: (bytes) => {
      assert.equal(outcome.heads.length, 1);
      assert.equal(outcome.ends.length, 0);
      assert.ok(bytes.length > 0);
      outcome.body += bytes.toString('latin1');
    },
    onEnd: (keepAlive) => {
      outcome.ends.push(keepAlive);
    },
  });
  try {
    for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
    outcome.complete = parser.close();
  } catch (error) {
    if (!(error instanceof NotHttp)) throw error;
    outcome.thrown = true;
  }
  return outcome;
}

function cut(text: string, cuts: readonly number[]): string[] {
  const at = [0, ...cuts.map((one) => one % (text.length + 1)).sort((a, b) => a - b), text.length];
  return at.slice(1).map((end, i) => text.slice(at[i], end));
}

/** Asserts that it comes to the same in whatever pieces, and returns what it comes to. */
function inAnyPieces(text: string, cuts: readonly (readonly number[])[] = []): Outcome {
  const whole = parsed([text]);
  assert.deepEqual(parsed(text.split('')), whole, `byte by byte: ${JSON.stringify(text.slice(0, 2_000))}`);
  for (const one of cuts) assert.deepEqual(parsed(cut(text, one)), whole, `${one.join()}: ${JSON.stringify(text.slice(0, 2_000))}`);
  return whole;
}

const bytes = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.uint8Array({ maxLength }).map((one) => Buffer.from(one).toString('latin1')),
    fc.constantFrom('{}', '\r\n', '\r\n\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n', 'data: a\n\n').map((one) => one.slice(0, maxLength)),
  );
const value = fc.oneof(
  fc.constantFrom('', 'a, b', 'a \t b', 'gr\xfcn', 'text/event-stream; charset="utf-8"'),
  fc.stringMatching(/^[!-~]{1,12}$/),
);
const fields = fc
  .uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[Xx]-[A-Za-z0-9_.-]{1,8}$/),
      before: fc.constantFrom(' ', '', '\t '),
      value,
      after: fc.constantFrom('', ' ', '\t'),
    }),
    {
      maxLength: 4,
      selector: ({ name }) => name.toLowerCase(),
    },
  )
  .map((all) => ({
    text: all.map(({ name, before, value: said, after }) => `${name}:${before}${said}${after}\r\n`).join(''),
    headers: Object.fromEntries(all.map(({ name, value: said }) => [name.toLowerCase(), said])),
  }));
const interim = fc
  .tuple(fc.constantFrom('100 Continue', '102 Processing', '103 Early Hints'), fields)
  .map(([line, { text }]) => `HTTP/1.1 ${line}\r\n${text}\r\n`);

/** A body, with how its head tells its length. */
const framed = fc.oneof(
  bytes(60).map((body) => ({ head: `Content-Length: ${String(body.length)}\r\n`, sent: body, body, untilClose: false })),
  fc
    .record({
      chunks: fc.array(
        fc.record({
          body: bytes(40).filter((one) => one !== ''),
          zeros: fc.constantFrom('', '0', '000'),
          upper: fc.boolean(),
          more: fc.constantFrom('', ';a', ';a=b', ';a="b c";d=e'),
        }),
        { maxLength: 4 },
      ),
      trailer: fc.oneof(
        fc.constant(''),
        fields.map(({ text }) => text),
      ),
      name: fc.constantFrom('Transfer-Encoding: chunked', 'transfer-encoding:Chunked'),
    })
    .map(({ chunks, trailer, name }) => ({
      head: `${name}\r\n`,
      sent: `${chunks
        .map(({ body, zeros, upper, more }) => {
          const size = zeros + body.length.toString(16);
          return `${upper ? size.toUpperCase() : size}${more}\r\n${body}\r\n`;
        })
        .join('')}0\r\n${trailer}\r\n`,
      body: chunks.map(({ body }) => body).join(''),
      untilClose: false,
    })),
  bytes(60).map((body) => ({ head: '', sent: body, body, untilClose: true })),
);
const EMPTY = { sent: '', body: '', untilClose: false } as const;

/** Whole answers, and what is in them. In latin1. */
const answers = fc
  .record({
    interims: fc.array(interim, { maxLength: 2 }),
    status: fc.constantFrom(
      '200 OK',
      '202 Accepted',
      '201 ',
      '302 Found',
      '404 Not Found',
      '500 \xe9',
      '204 No Content',
      '304 Not Modified',
    ),
    framed,
    empty: fc.constantFrom('', 'Content-Length: 0\r\n'),
    minor: fc.constantFrom('1', '1', '1', '0'),
    connection: fc.constantFrom('', '', 'Connection: keep-alive\r\n', 'Connection: close\r\n', 'Connection: x, Close\r\n'),
    fields,
    lengthFirst: fc.boolean(),
  })
  .map((parts) => {
    const isEmpty = /^[23]04/.test(parts.status);
    const content = isEmpty ? { ...EMPTY, head: parts.empty } : parts.framed;
    const heads = parts.lengthFirst
      ? [content.head, parts.connection, parts.fields.text]
      : [parts.fields.text, parts.connection, content.head];
    return {
      text: `${parts.interims.join('')}HTTP/1.${parts.minor} ${parts.status}\r\n${heads.join('')}\r\n${content.sent}`,
      status: Number(parts.status.slice(0, 3)),
      headers: parts.fields.headers,
      body: content.body,
      keepAlive: parts.minor === '1' && !/close/i.test(parts.connection) && !content.untilClose,
      untilClose: content.untilClose,
    };
  });

const cuts = fc.array(fc.array(fc.nat(), { maxLength: 8 }), { maxLength: 4 });
const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe('the parser of answers', function () {
  this.timeout(60_000);

  it('finds the same in whatever pieces an answer comes', () => {
    fc.assert(
      fc.property(answers, cuts, ({ text, status, headers, body, keepAlive }, where) => {
        const { heads, ...rest } = inAnyPieces(text, where);
        assert.equal(heads[0]?.status, status);
        const { connection, 'content-length': length, 'transfer-encoding': coding, ...others } = heads[0].headers;
        assert.deepEqual(others, headers, [connection, length, coding].join());
        assert.deepEqual(rest, { body, ends: [keepAlive], thrown: false, complete: true });
      }),
      { numRuns: 1_000 },
    );
  });

  it('ends when the last byte is there, not before', () => {
    fc.assert(
      fc.property(answers, ({ text, untilClose }) => {
        let ends = 0;
        const parser = new AnswerParser({ onHead: () => undefined, onData: () => undefined, onEnd: () => (ends += 1) });
        parser.push(Buffer.from(text.slice(0, -1), 'latin1'));
        assert.equal(ends, 0);
        parser.push(Buffer.from(text.slice(-1), 'latin1'));
        assert.equal(ends, untilClose ? 0 : 1);
        assert.equal(parser.close(), true);
        assert.equal(ends, 1);
      }),
    );
  });

  it('gives what has come of a body at once', () => {
    fc.assert(
      fc.property(answers, fc.nat(), ({ text, body, untilClose }, where) => {
        fc.pre(!text.includes('chunked') && !text.includes('Chunked'));
        const start = text.length - body.length;
        const at = start + (where % (body.length + 1));
        const cutOff = parsed([text.slice(0, at)]);
        assert.equal(cutOff.body, text.slice(start, at));
        assert.equal(cutOff.complete, untilClose || at === text.length);
      }),
    );
  });

  it('refuses whatever comes after the end, when it is told of the end', () => {
    fc.assert(
      fc.property(answers, bytes(20), cuts, ({ text, untilClose, keepAlive }, more, where) => {
        fc.pre(!untilClose && more !== '');
        const outcome = inAnyPieces(text + more, where);
        assert.deepEqual([outcome.ends, outcome.thrown], [[keepAlive], true]);
      }),
    );
  });

  it('finds the same in whatever pieces something comes that is not quite an answer', () => {
    const damage = fc.array(
      fc.record({ at: fc.nat(), remove: fc.nat(3), add: fc.oneof(bytes(3), fc.constantFrom('\r', '\n', ' ', ':', '\0', ';', ',', '-')) }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(answers, damage, cuts, ({ text }, wrong, where) => {
        let damaged = text;
        for (const { at, remove, add } of wrong) {
          const from = at % (damaged.length + 1);
          damaged = damaged.slice(0, from) + add + damaged.slice(from + remove);
        }
        const { ends, complete, thrown } = inAnyPieces(damaged, where);
        assert.ok(ends.length <= 1);
        if (!thrown) assert.equal(complete, ends.length === 1);
      }),
      { numRuns: 1_000 },
    );
  });

  describe('beside node:http', () => {
    let server: Server;
    let answer = '';

    before(async () => {
      server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(answer, 'latin1'));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
    });

    after(() => {
      server.close();
    });

    it('finds the same', async () => {
      await fc.assert(
        fc.asyncProperty(answers, async ({ text }) => {
          answer = text;
          const outgoing = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false }).end();
          const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
          const chunks: Buffer[] = [];
          for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
          const { heads, body } = parsed([text]);
          assert.deepEqual(
            { heads, body },
            { heads: [{ status: incoming.statusCode, headers: { ...incoming.headers } }], body: Buffer.concat(chunks).toString('latin1') },
            JSON.stringify(text),
          );
        }),
        { numRuns: 150 },
      );
    });
  });

  describe('refuses, in whatever pieces it comes,', () => {
    const refused = (text: string): void => {
      const all = Array.from({ length: Math.min(text.length, 300) }, (_, i) => [i]);
      const { thrown, ends } = inAnyPieces(text, all);
      assert.deepEqual([thrown, ends], [true, []], JSON.stringify(text.slice(0, 200)));
    };
    /** With a body that each of the readings could be of. */
    const head = (...lines: string[]): string => [`HTTP/1.1 200 OK`, ...lines, '', '5\r\nhello\r\n0\r\n\r\n'].join('\r\n');

    it('first lines that are none', () => {
      for (const line of [
        'HTTP/1.1 99 x',
        'HTTP/1.1 600 x',
        'HTTP/1.1 2000 x',
        'HTTP/1.1 20',
        'HTTP/1.1  200 OK',
        'HTTP/1.1 +20 OK',
        'HTTP/1.1 200\tOK',
        'HTTP/1.1 200OK',
        'HTTP/1.12 200 OK',
        'HTTP/1.2 200 OK',
        'HTTP/2.0 200 OK',
        'HTTP/0.9 200 OK',
        'http/1.1 200 OK',
        'HTTP/1.1200 OK',
        ' HTTP/1.1 200 OK',
        '\r\nHTTP/1.1 200 OK',
        'ICY 200 OK',
        'HTTP/1.1 200 O\0K',
        'HTTP/1.1 200 O\rK',
        'HTTP/1.1 200 O\nK',
        'HTTP/1.1 101 Switching Protocols',
        'GET / HTTP/1.1',
        '',
      ])
        refused(`${line}\r\nContent-Length: 0\r\n\r\n`);
    });

    it('headers that are none', () => {
      for (const line of [
        'no colon',
        ': x',
        'a : x',
        ' a: x',
        'a\t: x',
        'a b: x',
        'a\0: x',
        'a: \0',
        'a: b\rc: d',
        'a: b\nc: d',
        'a: b\r\n c',
        'a: b\r\n\tc',
        'a: \x7f',
        'gr\xfcn: a',
        'a(b): c',
        '"a": b',
        'a: b\r',
        '\na: b',
      ]) {
        refused(head(line, 'Content-Length: 5'));
        refused(head('Content-Length: 5', line));
        refused(`HTTP/1.1 100 Continue\r\n${line}\r\n\r\n${head('Content-Length: 5')}`);
      }
    });

    it('a length and chunks', () => {
      for (const lines of [
        ['Content-Length: 15', 'Transfer-Encoding: chunked'],
        ['Transfer-Encoding: chunked', 'Content-Length: 15'],
        ['Transfer-Encoding: chunked', 'content-length: 0'],
        ['transfer-encoding: Chunked', 'Content-Length:'],
      ])
        refused(head(...lines));
    });

    it('two lengths, and lengths that are none', () => {
      for (const lines of [
        ['Content-Length: 5', 'Content-Length: 6'],
        ['Content-Length: 5', 'X: y', 'content-length: 15'],
        ['Content-Length: 5, 6'],
        ['Content-Length: 5 6'],
        ['Content-Length: -5'],
        ['Content-Length: +5'],
        ['Content-Length: 0x5'],
        ['Content-Length: f'],
        ['Content-Length: 5.0'],
        ['Content-Length: 1e1'],
        ['Content-Length: "5"'],
        ['Content-Length: 5;'],
        ['Content-Length:'],
        ['Content-Length: 99999999999999999999'],
        ['Content-Length: \xb2'],
        ['Content-Length: 5\x0b'],
      ])
        refused(head(...lines));
    });

    it('codings that it does not know', () => {
      for (const coding of [
        'gzip',
        'gzip, chunked',
        'chunked, gzip',
        'chunked, chunked',
        'identity',
        'xchunked',
        'chunked;a=b',
        '',
        'chunked\x0b',
      ])
        refused(head(`Transfer-Encoding: ${coding}`));
      refused(head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'));
      refused(head('Transfer-Encoding: identity', 'transfer-encoding: chunked'));
    });

    it('chunks that are none', () => {
      for (const chunks of [
        '\r\n',
        'x\r\n',
        '-5\r\nhello\r\n0\r\n\r\n',
        '+5\r\nhello\r\n0\r\n\r\n',
        '0x5\r\nhello\r\n0\r\n\r\n',
        ' 5\r\nhello\r\n0\r\n\r\n',
        '5\nhello\r\n0\r\n\r\n',
        '5;a\nb\r\nhello\r\n0\r\n\r\n',
        '5;a\rb\r\nhello\r\n0\r\n\r\n',
        '5;\0\r\nhello\r\n0\r\n\r\n',
        '5 6\r\nhello\r\n0\r\n\r\n',
        '5.0\r\nhello\r\n0\r\n\r\n',
        '5\r\nhello!\r\n0\r\n\r\n',
        '5\r\nhello\n0\r\n\r\n',
        '5\r\nhello\r0\r\n\r\n',
        '5\r\nhell\r\n0\r\n\r\n',
        '5\r\nhello\r\n\r\n0\r\n\r\n',
        '1\r\nab\r\n0\r\n\r\n',
        'fffffffffffff\r\n',
        '99999999999999999999\r\n',
        '\xb5\r\n',
      ])
        refused(CHUNKED + chunks);
    });

    it('trailers that are none', () => {
      for (const trailer of ['no colon', 'a: b\nc: d', 'a: b\rc: d', ' a: b', '\n', 'a: \0']) refused(`${CHUNKED}0\r\n${trailer}\r\n\r\n`);
    });
  });

  it('never takes lines that end with LF alone for an answer', () => {
    for (const text of [
      'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
      'HTTP/1.1 204 No Content\n\n',
      'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\n\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n',
    ]) {
      const { heads, ends, complete, thrown } = inAnyPieces(text);
      assert.deepEqual([heads, ends, complete], [[], [], false], JSON.stringify(text));
      // At once: the rest would never come.
      assert.ok(thrown);
    }
  });

  describe('has limits', () => {
    const around = (limit: number): number[] => Array.from({ length: 12 }, (_, i) => limit - 6 + i);
    /** Cut anywhere near the end of something of this length. */
    const near = (length: number): number[][] => Array.from({ length: 10 }, (_, i) => [length - 2 + i]);

    it('for the head', () => {
      const start = `${HEAD}Content-Length: 2\r\nX: `;
      const made = (length: number): string => `${start}${'x'.repeat(length - start.length)}\r\n\r\n{}`;
      for (const length of around(16 * 1024)) {
        const text = made(length);
        const whole = parsed([text]);
        assert.equal(whole.thrown, length > 16 * 1024);
        for (const where of near(length))
          assert.deepEqual(parsed(cut(text, where)).thrown, whole.thrown, `a head of ${String(length)}, cut at ${where.join()}`);
      }
    });

    it('for one without an end, before its end', () => {
      for (const text of [HEAD + 'x'.repeat(17_000), `${HEAD}${'a: b\r\n'.repeat(4_000)}`, `${HEAD}X: ${' '.repeat(17_000)}`]) {
        const { thrown, heads } = inAnyPieces(text, [[16 * 1024], [100]]);
        assert.deepEqual([thrown, heads], [true, []]);
      }
    });

    it('for the line before a chunk', () => {
      for (const length of around(1024)) {
        const text = `${CHUNKED}2;${'x'.repeat(length - 2)}\r\n{}\r\n0\r\n\r\n`;
        const whole = parsed([text]);
        assert.equal(whole.thrown, length > 1024);
        for (const where of near(CHUNKED.length + length))
          assert.deepEqual(parsed(cut(text, where)).thrown, whole.thrown, `a line of ${String(length)}, cut at ${where.join()}`);
      }
      assert.ok(inAnyPieces(`${CHUNKED}2;${'x'.repeat(2_000)}`).thrown);
      assert.ok(inAnyPieces(`${CHUNKED}${'0'.repeat(2_000)}`).thrown);
    });

    it('for the trailer', () => {
      const { thrown, ends } = inAnyPieces(`${CHUNKED}0\r\n${`a: ${'x'.repeat(100)}\r\n`.repeat(200)}`, [[10_000]]);
      assert.deepEqual([thrown, ends], [true, []]);
      assert.ok(parsed([`${CHUNKED}0\r\n${'a:\r\n'.repeat(20_000)}`]).thrown);
    });

    it('and is fast within them', () => {
      const spaces = '\t '.repeat(8_000);
      const parse = (): void => {
        for (const text of [
          `${HEAD}A:${spaces}\0\r\n\r\n`,
          `HTTP/1.1 200 ${spaces}\0\r\n\r\n`,
          `${HEAD}${spaces}\0\r\n\r\n`,
          `${HEAD}A: ${'b'.repeat(16_000)}\0\r\n\r\n`,
        ])
          for (let i = 0; i < 20; i += 1) assert.ok(parsed([text]).thrown);
        const chunks = `${CHUNKED}${'1\r\nx\r\n'.repeat(100_000)}0\r\n\r\n`;
        assert.equal(parsed([chunks]).body.length, 100_000);
        assert.equal(parsed(chunks.match(/[^]{1,7}/g) ?? []).body.length, 100_000);
        assert.equal(parsed([`${HEAD}Content-Length: 9\r\n\r\n`, ...'123456789'.split('')]).body, '123456789');
      };
      assert.ok(isDoneWithin(5_000, parse));
    });
  });

  it('says of an answer that breaks off that it is not complete', () => {
    for (const text of [
      '',
      'H',
      'HTTP/1.1',
      HEAD,
      `${HEAD}Content-Length: 5\r\n\r\n`,
      `${HEAD}Content-Length: 5\r\n\r\nhell`,
      CHUNKED,
      `${CHUNKED}5\r\nhello\r\n`,
      `${CHUNKED}0\r\n`,
      `${CHUNKED}0\r\na: b\r\n`,
      'HTTP/1.1 100 Continue\r\n\r\n',
    ]) {
      const { thrown, ends, complete } = inAnyPieces(text);
      assert.deepEqual([thrown, ends, complete], [false, [], false], JSON.stringify(text));
    }
  });

  it('takes nothing for something', () => {
    const empty = ['', HEAD, '', 'Content-Length: 2\r\n', '\r\n', '', '{', '', '}', ''];
    assert.deepEqual(parsed(empty), {
      heads: [{ status: 200, headers: { 'content-length': '2' } }],
      body: '{}',
      ends: [true],
      thrown: false,
      complete: true,
    });
  });

  it('keeps names that every object has apart from headers', () => {
    const [found] = inAnyPieces(
      `${HEAD}constructor: a\r\nTOSTRING: b\r\nhasOwnProperty: c\r\n__proto__: d\r\nContent-Length: 0\r\n\r\n`,
    ).heads;
    assert.equal(found?.headers.constructor, 'a');
    assert.equal(found.headers.tostring, 'b');
    assert.equal(found.headers.hasownproperty, 'c');
    assert.deepEqual(Object.getPrototypeOf(found.headers), Object.prototype);
  });
});
