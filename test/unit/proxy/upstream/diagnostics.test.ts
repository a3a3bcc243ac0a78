import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';
import { diagnosticsLog } from '../../../../src/proxy/upstream/diagnostics';
import { anyText } from '../../support/arbitraries';
import { RecordingLogger } from '../../support/memory';

const MARK = '[redacted:K]';

function logOf(value: string): { log: ReturnType<typeof diagnosticsLog>; lines: string[]; all: () => string } {
  const logger = new RecordingLogger();
  const redactor = new Redactor([{ name: 'K', value: Buffer.from(value) }]);
  const log = diagnosticsLog('srv', () => redactor, logger);
  return { log, lines: logger.lines, all: () => logger.lines.map((line) => line.replace(/^\[srv\] /, '')).join('') };
}

const oneLine = (text: string): string => text.replace(/[\r\n]/g, '_');

describe('the standard error of a child', () => {
  it('is logged line by line, with the name of the server', () => {
    const { log, lines } = logOf('no such value');
    log.write('one\ntw');
    log.write('o\r\n\n  \nthree');
    assert.deepEqual(lines, ['[srv] one', '[srv] two']);
    log.flush();
    log.flush();
    assert.deepEqual(lines, ['[srv] one', '[srv] two', '[srv] three']);
  });

  it('is logged without values, however the pieces are cut', () => {
    fc.assert(
      fc.property(anyText(8, 30).map(oneLine), fc.array(fc.nat(100), { maxLength: 6 }), fc.boolean(), (value, cuts, json) => {
        const { log, all } = logOf(value);
        const text = `start ${json ? JSON.stringify({ value }) : value} end\n`;
        const at = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length];
        at.slice(1).forEach((end, i) => {
          log.write(text.slice(at[i], end));
        });
        assert.equal(all(), `start ${json ? `{"value":"${MARK}"}` : MARK} end`);
      }),
      { numRuns: 300 },
    );
  });

  it('is logged without a value of several lines', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n';
    for (const size of [1, 7, 1000]) {
      const { log, all } = logOf(key);
      const text = `loading\n${key}done\n`;
      for (let i = 0; i < text.length; i += size) log.write(text.slice(i, i + size));
      assert.doesNotMatch(all(), /MIIE|wggS/);
      assert.match(all(), /^loading.*done$/);
    }
  });

  it('is logged without a value in a line that never ends, wherever it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-zA-Z0-9"\\/+]{8,60}$/),
        fc.integer({ min: 14_000, max: 18_000 }),
        fc.integer({ min: 700, max: 9000 }),
        fc.constantFrom<(text: string) => string>(
          (text) => text,
          (text) => Buffer.from(text).toString('base64'),
          (text) => JSON.stringify(JSON.stringify(text)),
          encodeURIComponent,
          (text) => text.replace(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
        ),
        (value, before, size, encode) => {
          const { log, all } = logOf(value);
          const text = (secret: string): string => '.'.repeat(before) + secret + '.'.repeat(3000);
          const written = text(encode(value));
          for (let i = 0; i < written.length; i += size) log.write(written.slice(i, i + size));
          log.flush();
          assert.ok(all().includes(MARK));
          assert.ok(all().length < written.length + MARK.length);
          assert.match(all().replace(MARK, ''), /^\.+["\\.]*[\w=]{0,4}\.+$/);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is logged without a short value at the cut of a long line', () => {
    for (let before = 16_370; before < 16_390; before += 1) {
      const { log, all } = logOf('abcdef');
      const written = `${'.'.repeat(before)} abcdef ${'.'.repeat(300)}`;
      log.write(written.slice(0, 16_300));
      for (const character of written.slice(16_300)) log.write(character);
      log.flush();
      assert.ok(all().includes(` ${MARK} `));
      assert.ok(!all().includes('abcdef'));
    }
  });

  it('comes in pieces when a line never ends, and nothing is lost', () => {
    const { log, lines, all } = logOf('no such value');
    const text = Array.from({ length: 30_000 }, (_, i) => String(i % 10)).join('');
    for (let i = 0; i < text.length; i += 1000) log.write(text.slice(i, i + 1000));
    assert.ok(lines.length >= 1);
    log.flush();
    assert.equal(all(), text);
  });

  it('is looked through for values that the child was given later', () => {
    const logger = new RecordingLogger();
    let redactor = new Redactor([]);
    const log = diagnosticsLog('srv', () => redactor, logger);
    log.write('given: later-');
    redactor = new Redactor([{ name: 'K', value: Buffer.from('later-value') }]);
    log.write('value\n');
    assert.deepEqual(logger.lines, [`[srv] given: ${MARK}`]);
  });
});
