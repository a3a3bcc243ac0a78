import assert from 'node:assert/strict';
import { CallGrants } from '../../../src/bindings/callGrants';
import type { HttpServer } from '../../../src/bindings/server';
import { MemoryBlobStore, RecordingAudit } from '../support/memory';

const SERVER: HttpServer = {
  name: 's',
  type: 'http',
  url: 'https://a/',
  headers: {},
  bindings: [],
  scope: 'workspace',
  policy: { default: 'ask', rules: [{ action: 'ask', tools: ['x'] }] },
};
const CALL = { server: SERVER, tool: 'x', agent: 'Claude Code', rule: 1 };

describe('consent to calls for good', () => {
  let store = new MemoryBlobStore();
  let audit = new RecordingAudit();
  let grants = new CallGrants(store, audit);
  beforeEach(() => {
    store = new MemoryBlobStore();
    audit = new RecordingAudit();
    grants = new CallGrants(store, audit);
  });

  it('is for exactly what was allowed', async () => {
    assert.ok(!grants.isGranted(CALL));
    await grants.grant(CALL, 'user', 1);
    assert.ok(grants.isGranted({ ...CALL, server: { ...SERVER } }));
    for (const other of [
      { ...CALL, tool: 'X' },
      { ...CALL, agent: 'claude code' },
      { ...CALL, agent: undefined },
      { ...CALL, rule: 2 },
      { ...CALL, rule: undefined },
      { ...CALL, server: { ...SERVER, name: 't' } },
      { ...CALL, server: { ...SERVER, url: 'https://b/' } },
      { ...CALL, server: { ...SERVER, policy: { default: 'allow' as const, rules: SERVER.policy?.rules ?? [] } } },
    ])
      assert.ok(!grants.isGranted(other), JSON.stringify(other));
  });

  it('can be for every agent', async () => {
    await grants.grant({ ...CALL, agent: undefined }, 'cli', 1);
    assert.ok(grants.isGranted(CALL) && grants.isGranted({ ...CALL, agent: 'Cursor' }));
  });

  it('is taken back by server, tool or agent', async () => {
    for (const tool of ['x', 'y']) for (const agent of ['a', 'b']) await grants.grant({ ...CALL, tool, agent }, 'user', 1);
    assert.equal(await grants.revoke({ server: 's', tool: 'x', agent: 'a' }, 'user'), 1);
    assert.ok(!grants.isGranted({ ...CALL, agent: 'a' }) && grants.isGranted({ ...CALL, agent: 'b' }));
    assert.equal(await grants.revoke({ server: 's', agent: 'b' }, 'user'), 2);
    assert.equal(await grants.revoke({ server: 's' }, 'user'), 1);
    assert.equal(await grants.revoke({ server: 's' }, 'user'), 0);
    assert.deepEqual(grants.list(), []);
    assert.equal(audit.entries.filter(({ action }) => action === 'policy.revoke').length, 3);
  });

  it('is kept once, and what a change has ended goes with the next', async () => {
    await grants.grant(CALL, 'user', 1);
    await grants.grant(CALL, 'user', 2);
    assert.deepEqual(
      grants.list().map(({ grantedAt }) => grantedAt),
      [2],
    );
    await grants.grant({ ...CALL, server: { ...SERVER, url: 'https://b/' } }, 'user', 3);
    assert.deepEqual(
      grants.list().map(({ grantedAt }) => grantedAt),
      [3],
    );
  });

  it('of two windows does not get lost, and counts in both at once', async () => {
    const other = new CallGrants(store, audit);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? grants : other).grant({ ...CALL, tool: `t${String(i)}` }, 'user', i)),
    );
    assert.equal(grants.list().length, 10);
    assert.deepEqual(grants.list(), other.list());
  });

  it('is none in a store that cannot be read', async () => {
    for (const text of [
      '',
      '{}',
      '[{"server":"s"}]',
      '[{"server":"s","tool":"x","plan":"*","grantedAt":1,"agent":"*","all":true}]',
      'null',
      '[[[',
    ]) {
      await store.update(() => Promise.resolve(text));
      assert.deepEqual(grants.list(), []);
      assert.ok(!grants.isGranted(CALL));
    }
  });
});
