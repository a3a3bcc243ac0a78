import assert from 'node:assert/strict';
import { Approvals } from '../../../src/bindings/approvals';
import { Pins } from '../../../src/bindings/pins';
import type { HttpServer } from '../../../src/bindings/server';
import type { Call, CallEnd } from '../../../src/proxy/call';
import { approval } from '../../../src/proxy/approval';
import { Consent } from '../../../src/proxy/consent';
import { KnownSecrets } from '../../../src/proxy/guard/knownSecrets';
import { interceptors } from '../../../src/proxy/interceptors/list';
import { Redactor } from '../../../src/proxy/interceptors/redactor';
import { Pipeline } from '../../../src/proxy/pipeline';
import { SecretsError } from '../../../src/shared/errors';
import { refusal } from '../support/errors';
import { FixedClock, MemoryBlobStore, RecordingAudit, RecordingLogger } from '../support/memory';
import { bench } from '../support/vaults';

const SERVER: HttpServer = { name: 's', type: 'http', url: 'https://a/', headers: {}, bindings: [], scope: 'workspace' };
const REQUEST = { jsonrpc: '2.0', id: 1, method: 'tools/call' } as const;
const newCall = (more: Partial<Call> = {}): Call => ({
  agent: 'claude',
  server: 's',
  id: 1,
  method: 'tools/call',
  tool: 't',
  startedAt: 1000,
  searched: true,
  scope: undefined,
  versions: { K: 3 },
  ...more,
});

describe('the pipeline', () => {
  it('ends each call exactly once, whatever comes first', () => {
    const ends: CallEnd[] = [];
    const pipeline = new Pipeline([{ after: (_call, end) => void ends.push(end) }]);
    const call = newCall();
    pipeline.answered(call, { jsonrpc: '2.0', id: 1, result: {} });
    assert.deepEqual(ends, [], 'a call that has not begun does not end');
    pipeline.begin(call);
    pipeline.failed(call, new SecretsError('upstreamClosed', { server: 's' }));
    pipeline.answered(call, { jsonrpc: '2.0', id: 1, result: {} });
    pipeline.failed(call, new Error('again'));
    assert.deepEqual(ends, [{ outcome: 'error', errorKind: 'upstreamClosed' }]);
  });

  const answers: readonly (readonly [string, object, CallEnd])[] = [
    ['a result', { result: { content: [] } }, { outcome: 'ok' }],
    ['an empty result', { result: null }, { outcome: 'ok' }],
    ['a tool that failed', { result: { isError: true } }, { outcome: 'error', errorKind: 'tool' }],
    ['a tool that did not', { result: { isError: 'yes' } }, { outcome: 'ok' }],
    ['an error', { error: { code: -32601, message: 'no' } }, { outcome: 'error', errorKind: 'rpc:-32601' }],
    ['an error without a code', { error: 'no' }, { outcome: 'error', errorKind: 'rpc:none' }],
  ];
  for (const [what, answer, expected] of answers) {
    it(`knows how a call ended: ${what}`, () => {
      const ends: CallEnd[] = [];
      const pipeline = new Pipeline([{ after: (_call, end) => void ends.push(end) }]);
      const call = newCall();
      pipeline.begin(call);
      pipeline.answered(call, { jsonrpc: '2.0', id: 1, ...answer });
      assert.deepEqual(ends, [expected]);
    });
  }

  it('calls refused what did not reach the server, and error what did', () => {
    const end = (error: unknown): CallEnd | undefined => {
      const ends: CallEnd[] = [];
      const pipeline = new Pipeline([{ after: (_call, how) => void ends.push(how) }]);
      const call = newCall();
      pipeline.begin(call);
      pipeline.failed(call, error);
      return ends[0];
    };
    assert.deepEqual(end(new SecretsError('serverUnapproved', { server: 's' })), { outcome: 'refused', errorKind: 'serverUnapproved' });
    assert.deepEqual(end(new SecretsError('secretMissing', { names: ['K'] })), { outcome: 'refused', errorKind: 'secretMissing' });
    assert.deepEqual(end(new SecretsError('keyLost', {})), { outcome: 'refused', errorKind: 'keyLost' });
    assert.deepEqual(end(new SecretsError('secretExpired', { name: 'K', server: 's', at: 'then' })), {
      outcome: 'refused',
      errorKind: 'secretExpired',
    });
    assert.deepEqual(end(new SecretsError('upstreamTimeout', { server: 's', seconds: 1 })), {
      outcome: 'error',
      errorKind: 'upstreamTimeout',
    });
    assert.deepEqual(end(new Error('with a value')), { outcome: 'error', errorKind: 'internal' });
  });

  it('stops at the first interceptor that refuses', async () => {
    const ran: string[] = [];
    const pipeline = new Pipeline([
      { before: () => void ran.push('first') },
      { before: () => Promise.reject(new SecretsError('locked', {})) },
      { before: () => void ran.push('third') },
    ]);
    const call = newCall();
    pipeline.begin(call);
    await refusal('locked', () => pipeline.before(call, SERVER, REQUEST));
    assert.deepEqual(ran, ['first']);
  });

  it('begins nothing for a call that has ended, and ends none by a copy of it', async () => {
    const ran: string[] = [];
    const pipeline = new Pipeline([{ before: () => void ran.push('before'), after: () => void ran.push('after') }]);
    const call = newCall();
    pipeline.begin(call);
    assert.ok(!pipeline.end({ ...call }, { outcome: 'ok' }));
    assert.ok(pipeline.end(call, { outcome: 'ok' }));
    await refusal('sessionUnknown', () => pipeline.before(call, SERVER, REQUEST));
    assert.deepEqual(ran, ['after']);
  });

  it('as it is put together redacts what goes out and records calls by name only', async () => {
    const sink = new RecordingAudit();
    const clock = new FixedClock(1250.4);
    const logger = new RecordingLogger();
    const pins = new Pins({ store: new MemoryBlobStore(), audit: sink, clock, path: 'memory' });
    const known = new KnownSecrets((await bench()).vault, logger);
    const policy = {
      tools: pins,
      consent: new Consent({ clock, logger }),
      show: (tool: string) => Promise.resolve({ tool, arguments: '' }),
    };
    const widen = (_: string, redactor: Redactor): Redactor => redactor;
    const pipeline = new Pipeline(
      interceptors({ audit: sink, servers: { has: () => true }, clock, logger, pins, known, widen, guardMode: () => 'refuse', policy }),
    );
    const redactor = new Redactor([{ name: 'K', value: Buffer.from('the-value-itself') }]);
    assert.equal(
      pipeline.outgoing('{"a":"the-value-itself"}', { server: SERVER, redactor, message: undefined, call: undefined }),
      '{"a":"[redacted:K]"}',
    );
    const calls = [
      newCall(),
      newCall({ method: 'resources/read', tool: undefined }),
      newCall({ method: 'x'.repeat(5000), tool: undefined, versions: {}, id: 'y'.repeat(5000), scope: 'workspace' }),
      newCall({ scope: 'github-work', id: '' }),
    ];
    for (const call of calls) {
      pipeline.begin(call);
      pipeline.answered(call, { jsonrpc: '2.0', id: 1, result: { content: 'the-value-itself' } });
    }
    const common = { time: '1970-01-01T00:00:01.000Z', actor: 'agent', agent: 'claude', server: 's', outcome: 'ok', durationMs: 250 };
    const used = { secrets: ['K'], versions: { K: 3 } };
    assert.deepEqual(sink.entries, [
      { ...common, action: 'call', tool: 't', requestId: '1', ...used },
      { ...common, action: 'request', method: 'resources/read', requestId: '1', ...used },
      { ...common, action: 'request', method: 'x'.repeat(128), requestId: 'y'.repeat(64), secrets: [] },
      { ...common, action: 'call', tool: 't', requestId: '', scope: 'github-work', ...used },
    ]);
  });
});

describe('the approval of a server before a call', () => {
  const approvals = (): Approvals => new Approvals(new MemoryBlobStore(), new RecordingAudit());

  it('is not asked for again once it is given', async () => {
    const given = approvals();
    await given.approve(SERVER, 'user');
    await approval(given, { ask: () => assert.fail('asked') })(SERVER);
  });

  it('is refused by "no", and where nobody can be asked', async () => {
    const admit = approval(approvals(), { ask: () => Promise.resolve(false) });
    await refusal('serverUnapproved', () => admit(SERVER));
  });

  it('is not given by "yes" alone: what counts is that it is stored, for this plan', async () => {
    const step = approval(approvals(), { ask: () => Promise.resolve(true) });
    await refusal('serverUnapproved', () => step(SERVER));
    const given = approvals();
    const other = approval(given, { ask: async () => (await given.approve({ ...SERVER, url: 'https://other/' }, 'user'), true) });
    await refusal('serverUnapproved', () => other(SERVER));
  });

  it('is given by "yes" to this plan', async () => {
    const given = approvals();
    const step = approval(given, { ask: async (server) => (await given.approve(server, 'user'), true) });
    await step(SERVER);
    assert.ok(given.isApproved(SERVER));
  });
});
