import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isSecretsError, messageOf, reasonOf, SecretsError } from '../../../src/shared/errors';
import { words } from '../../../src/shared/words';
import type { ErrorKind } from '../../../src/shared/words';
import { anyText } from '../support/arbitraries';

/** Details that fit every kind of error. */
const DETAILS = {
  name: 'THE_NAME',
  names: ['ONE', 'TWO'],
  server: 'the-server',
  secrets: ['ONE', 'TWO'],
  known: ['other'],
  what: 'what it is',
  why: 'why it is',
  path: '/the/path',
  folders: ['/one/folder', '/another/folder'],
  reason: 'EREASON',
  problem: 'The problem.',
  mode: 'header',
  method: 'PUT',
  target: 'http://target',
  origin: 'http://origin',
  command: 'the-command',
  how: 'exit code 3',
  where: '127.0.0.1:1',
  tool: 'the-tool',
  line: 7,
  bytes: 70_000,
  limit: 65_536,
  format: 2,
  seconds: 120,
  status: 503,
  number: 2,
  least: 8,
  version: 3,
  generation: 3,
  expected: 4,
  done: 1,
  failed: ['/the/path'],
  named: ['ONE', 'TWO'],
  scope: 'the-scope',
  secret: 'THE_NAME',
  at: '2026-01-02',
  fix: 'chmod 600 /the/path',
  file: '/the/path',
  seq: 12,
  rule: 2,
  agent: 'the-agent',
  token: '1f2e3d4c',
  requested: '2030-01-01',
  supported: ['2026-07-28'],
  capability: 'sampling',
  concurrency: 16,
  calls: 100,
  perSeconds: 60,
  failures: 5,
};

/** Where the same word means something else. */
const SPECIAL: Partial<Record<ErrorKind, object>> = {
  toolFailed: { why: 'Its own words.' },
  handshakeFailed: { why: 'Its own words.' },
  listFailed: { what: 'tools', why: 'Its own words.' },
  serverResting: { why: 'Its own words.' },
  auditBroken: { problem: 'edited' },
};

/** What some of them advise. */
const ADVICE: Partial<Record<ErrorKind, RegExp>> = {
  tokenMissing: /"MCP Secrets: Copy MCP Configuration" or "mcp-secrets agent add NAME"/,
  tokenWrong: /"MCP Secrets: Copy MCP Configuration" or "mcp-secrets agent add NAME"/,
  serverExists: /"mcp-secrets server update the-server".*"mcp-secrets server remove the-server"/,
  listenFailed: /--port.*XDG_RUNTIME_DIR/,
  serverBusy: /too many wait, or it waited too long\. Try again later, or raise "concurrency"/,
  upstreamRedirect: /307 and 308 within its own origin.*three times.*"url" in the servers file/,
  childExited: /log \(on the command line: on standard error\)/,
  nothingToRollBack: /Set the value again/,
  scopeMissing: /"mcp-secrets scope list"/,
  backupUnreadable: /Try another copy/,
  backupFailed: /then try again/,
  callWithdrawn: /Call again/,
  originRefused: /Connect from a program/,
  methodNotAllowed: /Use POST/,
  notJson: /Send a JSON-RPC 2\.0 message/,
  notJsonRpc: /Correct it, then send it again/,
  methodUnknown: /Use one that this revision has/,
  capabilityMissing: /Use an agent that can/,
};

describe('errors', () => {
  const kinds = Object.keys(words) as ErrorKind[];

  for (const kind of kinds) {
    it(`says ${kind} in whole sentences`, () => {
      const error = new SecretsError(kind, { ...DETAILS, ...SPECIAL[kind] });
      assert.equal(error.kind, kind);
      assert.match(error.message, /^[A-Z"/].*\.$/su);
      assert.doesNotMatch(error.message, /undefined|\[object|NaN|\n/);
      assert.equal(messageOf(error), error.message);
    });
  }

  for (const [kind, advice] of Object.entries(ADVICE) as [ErrorKind, RegExp][]) {
    it(`says what to do about ${kind}`, () => {
      assert.match(new SecretsError(kind, { ...DETAILS, ...SPECIAL[kind] }).message, advice);
    });
  }

  it('name the secrets that are missing, and how to add them', () => {
    const one = new SecretsError('secretMissing', { names: ['GITHUB_TOKEN'], server: 'github' });
    assert.match(one.message, /GITHUB_TOKEN.*"github".*mcp-secrets secret set GITHUB_TOKEN/);
    const two = new SecretsError('secretMissing', { names: ['A', 'B'] });
    assert.match(two.message, /A, B do not exist/);
  });

  it('name a line only if there is one', () => {
    assert.match(new SecretsError('serversFileInvalid', { path: 'f', line: 3, problem: 'X.' }).message, /line 3/);
    assert.doesNotMatch(new SecretsError('serversFileInvalid', { path: 'f', line: 0, problem: 'X.' }).message, /line/);
  });

  it('are told apart by kind', () => {
    const error: unknown = new SecretsError('locked', {});
    assert.ok(isSecretsError(error));
    assert.ok(isSecretsError(error, 'locked'));
    assert.ok(!isSecretsError(error, 'keyLost'));
    for (const other of [new Error('locked'), { kind: 'locked' }, null, undefined, 'locked']) assert.ok(!isSecretsError(other));
  });

  describe('that are not ours', () => {
    const makers: readonly ((message: string) => unknown)[] = [
      (message) => new Error(message),
      (message) => new TypeError(message),
      (message) => new AggregateError([new Error(message)], message),
      (message) => new Error(message, { cause: new Error(message) }),
      (message) => Object.assign(new Error(message), { code: message }),
      (message) => Object.assign(new Error(message), { code: 'ECONNREFUSED', details: message }),
      (message) => new DOMException(message, 'AbortError'),
      (message) => message,
      (message) => ({ message, toString: () => message }),
    ];

    it('are never quoted: their message may hold a value', () => {
      fc.assert(
        fc.property(fc.constantFrom(...makers), anyText(8, 60), (make, value) => {
          assert.ok(!messageOf(make(value)).includes(value));
          assert.ok(!reasonOf(make(value)).includes(value));
        }),
        { numRuns: 300 },
      );
    });

    it('are never quoted, not even the text that a JSON error repeats', () => {
      let error: unknown;
      try {
        JSON.parse('ghp_0123456789 is no JSON');
      } catch (thrown) {
        error = thrown;
      }
      assert.match((error as Error).message, /ghp_/);
      assert.doesNotMatch(messageOf(error), /ghp_/);
    });

    it('are named by the code of the system, else by their class', () => {
      assert.equal(reasonOf(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT');
      assert.equal(reasonOf(new RangeError('x')), 'RangeError');
      assert.equal(reasonOf(Object.assign(new Error('x'), { code: 'lower case' })), 'Error');
      for (const thing of [undefined, null, 7, 'text', {}]) assert.equal(reasonOf(thing), 'unknown error');
    });
  });
});
