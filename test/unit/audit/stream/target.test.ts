import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseOtlpTarget, parseSyslogTarget } from '../../../../src/audit/stream/target';
import { isSecretsError } from '../../../../src/shared/errors';

const refused = (error: unknown): boolean => isSecretsError(error, 'streamInvalid');

describe('the address of a syslog receiver', () => {
  it('is a protocol, a host and a port', () => {
    assert.deepEqual(parseSyslogTarget('udp://logs.example.com:5514'), {
      protocol: 'udp',
      host: 'logs.example.com',
      port: 5514,
      label: 'udp://logs.example.com:5514',
    });
    assert.equal(parseSyslogTarget('tcp://[::1]:601').host, '::1');
    assert.equal(parseSyslogTarget('tls://10.0.0.1', { ca: '/etc/ca.pem' }).ca, '/etc/ca.pem');
  });

  it('has the port of its protocol where it names none', () => {
    assert.deepEqual(
      ['udp://h', 'tcp://h', 'tls://h'].map((text) => parseSyslogTarget(text).port),
      [514, 601, 6514],
    );
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      'logs.example.com',
      'udp://',
      'udp://h:0',
      'udp://h:99999',
      'tcp://h:601/path',
      'http://h',
      'file:///dev/log',
      'tcp://a b',
    ])
      assert.throws(() => parseSyslogTarget(text), refused, text);
  });
});

describe('the address of an OTLP receiver', () => {
  it('has the usual path where it has none', () => {
    assert.equal(parseOtlpTarget('https://otel.example.com:4318').url.href, 'https://otel.example.com:4318/v1/logs');
    assert.equal(parseOtlpTarget('https://otel.example.com/otlp/v1/logs').url.href, 'https://otel.example.com/otlp/v1/logs');
  });

  it('gets headers over https, or on this machine', () => {
    const headersFile = '/home/x/headers';
    for (const text of ['https://otel.example.com', 'http://127.0.0.1:4318', 'http://localhost:4318', 'http://[::1]:4318'])
      assert.equal(parseOtlpTarget(text, { headersFile }).headersFile, headersFile);
    for (const text of ['http://otel.example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.1'])
      assert.throws(() => parseOtlpTarget(text, { headersFile }), refused, text);
    assert.equal(parseOtlpTarget('http://otel.example.com').label, 'http://otel.example.com/v1/logs');
  });

  it('is nothing else', () => {
    for (const text of ['', 'otel:4318', 'udp://h:4318', 'ftp://h', 'unix:///run/otel'])
      assert.throws(() => parseOtlpTarget(text), refused, text);
  });
});

describe('a credential in an address', () => {
  it('is refused and not repeated', () => {
    const secret = fc.bigInt({ min: 36n ** 11n, max: 36n ** 30n }).map((n) => n.toString(36));
    fc.assert(
      fc.property(secret, fc.constantFrom('udp', 'tcp', 'tls', 'http', 'https'), fc.nat(2), (token, protocol, place) => {
        const text = [`${protocol}://${token}@h`, `${protocol}://u:${token}@h`, `${protocol}://h/?key=${token}`][place] ?? '';
        for (const parse of [parseSyslogTarget, parseOtlpTarget])
          assert.throws(
            () => parse(text),
            (error) => refused(error) && !(error as Error).message.includes(token),
          );
      }),
    );
  });
});
