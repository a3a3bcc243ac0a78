import assert from 'node:assert/strict';
import type { AuditEntry } from '../../../src/audit/entry';
import { filterWords, fitsFilter, isEmpty, NO_FILTER } from '../../../src/editor/activityFilter';
import type { ActivityFilter } from '../../../src/editor/activityFilter';

const now = Date.UTC(2026, 10, 21, 12);
const HOUR_MS = 3_600_000;

const entry = (rest: Partial<AuditEntry>, hoursAgo = 0): AuditEntry => ({
  time: new Date(now - hoursAgo * HOUR_MS).toISOString(),
  actor: 'agent',
  action: 'call',
  outcome: 'ok',
  ...rest,
});

const shown = (entries: Record<string, AuditEntry>, filter: Partial<ActivityFilter>): string[] =>
  Object.entries(entries).flatMap(([name, one]) => (fitsFilter(one, { ...NO_FILTER, ...filter }, now) ? [name] : []));

describe('the filter of Activity', () => {
  const entries = {
    call: entry({ agent: 'Claude Code', server: 'github', tool: 'search', secrets: ['TOKEN'] }),
    failed: entry({ agent: 'Cursor', server: 'linear', secrets: ['TOKEN'], scope: 'work', outcome: 'error' }, 2),
    handshake: entry({ agent: 'Cursor', server: 'linear', action: 'request', method: 'initialize' }),
    denied: entry({ agent: 'Cursor', server: 'github', action: 'request', method: 'initialize', outcome: 'refused' }, 30),
    change: entry({ actor: 'user', action: 'secret.set', secrets: ['TOKEN'] }, 3),
    alert: entry({ actor: 'product', action: 'alert', rule: 'newAgent', agent: 'Cursor' }),
    token: entry({ action: 'agent.refuse', outcome: 'refused' }, 200),
  };
  const all = Object.keys(entries).filter((name) => name !== 'handshake');

  it('leaves out handshakes that went well, unless they are asked for', () => {
    assert.deepEqual(shown(entries, {}), all);
    assert.deepEqual(shown(entries, { kinds: ['request'] }), ['handshake']);
    assert.deepEqual(shown(entries, { agents: ['Cursor'] }), ['failed', 'denied', 'alert']);
  });

  it('tells calls, changes and alerts apart', () => {
    assert.deepEqual(shown(entries, { kinds: ['call'] }), ['call', 'failed', 'denied']);
    assert.deepEqual(shown(entries, { kinds: ['change'] }), ['change']);
    assert.deepEqual(shown(entries, { kinds: ['alert'] }), ['alert', 'token']);
    assert.deepEqual(shown(entries, { kinds: ['alert', 'change'] }), ['change', 'alert', 'token']);
  });

  it('takes a secret of one scope for another one than that of another', () => {
    assert.deepEqual(shown(entries, { secrets: ['TOKEN'] }), ['call', 'change']);
    assert.deepEqual(shown(entries, { secrets: ['work/TOKEN'] }), ['failed']);
  });

  it('goes by outcome, server and time, all at once', () => {
    assert.deepEqual(shown(entries, { outcomes: ['error', 'refused'] }), ['failed', 'denied', 'token']);
    assert.deepEqual(shown(entries, { servers: ['github'], outcomes: ['refused'] }), ['denied']);
    assert.deepEqual(shown(entries, { hours: 2 }), ['call', 'failed', 'alert']);
    assert.deepEqual(shown(entries, { hours: 24 }), ['call', 'failed', 'change', 'alert']);
  });

  it('says what it is in a few words', () => {
    assert.ok(isEmpty(NO_FILTER));
    assert.equal(filterWords(NO_FILTER), '');
    const filter: ActivityFilter = { ...NO_FILTER, kinds: ['call'], outcomes: ['refused'], servers: ['a', 'b', 'c', 'd'], hours: 168 };
    assert.ok(!isEmpty(filter));
    assert.equal(filterWords(filter), 'Calls · Refused · a, b, c and 1 more · Last Week');
  });
});
