import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SseSplitter, withLines } from '../../../../src/proxy/upstream/sse';
import type { SseEvent } from '../../../../src/proxy/upstream/sse';
import { anyText } from '../../support/arbitraries';

const split = (...chunks: string[]): SseEvent[] => {
  const splitter = new SseSplitter();
  return chunks.flatMap((chunk) => splitter.push(chunk));
};

const ENDS = ['\n', '\r\n', '\r'] as const;

/** A stream of events in which every line may end in its own way, with what it says. */
const streams = fc
  .array(
    fc.record({
      data: fc.array(
        anyText(1, 10).map((text) => text.replace(/[\r\n]/g, '_')),
        { minLength: 1, maxLength: 3 },
      ),
      id: fc.option(fc.stringMatching(/^[a-z0-9]{1,4}$/), { nil: undefined }),
      comment: fc.boolean(),
      ends: fc.array(fc.constantFrom(...ENDS), { minLength: 6, maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((events) => ({
    text: events
      .map(({ data, id, comment, ends }) => {
        const lines = [
          ...(comment ? [': keep-alive'] : []),
          ...(id === undefined ? [] : [`id: ${id}`]),
          ...data.map((d) => `data: ${d}`),
          '',
        ];
        return lines.reduce((written, line, i) => {
          const end = ends[i] ?? '\n';
          // A blank line that ends with LF behind a line that ends with CR is no line at all.
          return written + line + (line === '' && end === '\n' && written.endsWith('\r') ? '\r' : end);
        }, '');
      })
      .join(''),
    said: events.map(({ data, id }) => ({ data: data.join('\n'), id })),
  }));

describe('the splitter of event streams', () => {
  for (const end of ENDS) {
    const name = JSON.stringify(end);
    it(`knows ${name} as a line end`, () => {
      const text = ['event: message', 'id: 1', 'data: one', '', 'data: two', 'data: lines', '', ''].join(end);
      const events = split(text);
      assert.deepEqual(
        events.map(({ data, id }) => [data, id]),
        [
          ['one', '1'],
          ['two\nlines', undefined],
        ],
      );
      assert.equal(events[0]?.raw, ['event: message', 'id: 1', 'data: one'].join(end));
    });

    it(`gives an event at once, with ${name} and a byte at a time`, () => {
      const splitter = new SseSplitter();
      const text = `data: a${end}${end}`;
      const last = text.length - (end === '\r\n' ? 2 : 1);
      for (const character of text.slice(0, last)) assert.deepEqual(splitter.push(character), []);
      assert.equal(splitter.push(text.charAt(last))[0]?.data, 'a');
    });
  }

  it('gives the same events whatever the chunks and the line ends', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(400), { maxLength: 12 }), ({ text, said }, cuts) => {
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, i) => text.slice(at[i], end));
        const events = split(...chunks);
        assert.deepEqual(
          events.map(({ data, id }) => ({ data, id })),
          said,
        );
        assert.deepEqual(events, split(text));
        assert.deepEqual(events, split(...text.split(/(?<=[^])/)));
      }),
      { numRuns: 500 },
    );
  });

  it('reads fields as browsers do', () => {
    const cases: readonly (readonly [text: string, data: string | undefined])[] = [
      ['data:no space', 'no space'],
      ['data:  two spaces', ' two spaces'],
      ['data: a: b', 'a: b'],
      ['data', ''],
      ['data:', ''],
      ['data: a\ndata\ndata: b', 'a\n\nb'],
      [': comment', undefined],
      ['dataset: x', undefined],
      [' data: x', undefined],
      ['event: x\nretry: 5', undefined],
      ['data: {"a":\ndata: 1}', '{"a":\n1}'],
    ];
    for (const [text, data] of cases) assert.equal(split(`${text}\n\n`)[0]?.data, data, text);
  });

  it('passes over a byte order mark at the beginning, and only there', () => {
    assert.equal(split('\ufeffdata: a\n\n')[0]?.data, 'a');
    assert.equal(split('', '\ufeff', 'data: a\n\n')[0]?.data, 'a');
    assert.equal(split('data: a\n\n\ufeffdata: b\n\n')[1]?.data, undefined);
  });

  it('gives comments alone as events without data: they keep connections alive', () => {
    const [event] = split(': ping\n\n');
    assert.deepEqual(event, { raw: ': ping', data: undefined, id: undefined, others: [': ping'] });
  });

  it('says how much of an event is waiting', () => {
    const splitter = new SseSplitter();
    splitter.push('data: a\n\ndata: unfinished');
    assert.equal(splitter.pending, 'data: unfinished'.length);
    splitter.push('\n\n');
    assert.equal(splitter.pending, 0);
  });

  it('does not get slow with long events in small chunks', () => {
    const splitter = new SseSplitter();
    const piece = `data: ${'x'.repeat(90)}\n`;
    for (let i = 0; i < 20_000; i += 1) assert.deepEqual(splitter.push(piece), []);
    assert.equal(splitter.push('\n')[0]?.data?.length, 20_000 * 91 - 1);
  });
});

describe('an event that is sent on', () => {
  const event = (text: string): SseEvent => split(`${text}\n\n`)[0] ?? { raw: '', data: undefined, id: undefined, others: [] };
  const clean = (text: string): string => text.replaceAll('SECRET', '***');

  it('stays as it came when nothing is to be changed', () => {
    for (const raw of ['event: message\nid: 7\ndata: {"id":12345}', ': comment\r\ndata:x\r\ndata: y', ': only a comment', 'id: 1']) {
      const e = event(raw);
      assert.equal(withLines(e, e.data, [...e.others]), raw);
    }
  });

  it('keeps its other fields when it gets other data', () => {
    const e = event('event: message\nid: 7\ndata: old\ndata: lines\nretry: 5');
    const sent = withLines(e, 'new\nlines\nmore', e.others);
    const [read] = split(`${sent}\n\n`);
    assert.equal(read?.data, 'new\nlines\nmore');
    assert.equal(read.id, '7');
    assert.match(sent, /^event: message$/m);
    assert.match(sent, /^retry: 5$/m);
  });

  it('is cleaned in its other fields, too', () => {
    const e = event(': SECRET\nid: SECRET\nevent: x\ndata: fine');
    assert.equal(withLines(e, e.data, e.others.map(clean)), ': ***\nid: ***\nevent: x\ndata: fine');
    const comment = event(': SECRET');
    assert.equal(withLines(comment, comment.data, comment.others.map(clean)), ': ***');
  });
});
