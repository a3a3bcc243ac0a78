import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Approvals } from '../../../src/bindings/approvals';
import type { HttpServer } from '../../../src/bindings/server';
import { refusal } from '../support/errors';
import { MemoryBlobStore, RecordingAudit } from '../support/memory';

const SERVER: HttpServer = {
  name: 's',
  type: 'http',
  url: 'https://a/',
  headers: {},
  bindings: [{ secret: 'K', mode: 'bearer', name: 'Authorization', template: 'Bearer ${value}' }],
  scope: 'workspace',
};

describe('approvals', () => {
  let store = new MemoryBlobStore();
  let audit = new RecordingAudit();
  let approvals = new Approvals(store, audit);
  beforeEach(() => {
    store = new MemoryBlobStore();
    audit = new RecordingAudit();
    approvals = new Approvals(store, audit);
  });

  it('there are none to begin with', () => {
    assert.equal(approvals.isApproved(SERVER), false);
  });

  it('are for exactly the plan that was approved', async () => {
    await approvals.approve(SERVER, 'user');
    assert.equal(approvals.isApproved({ ...SERVER }), true);
    for (const changed of [
      { ...SERVER, url: 'https://evil/' },
      { ...SERVER, name: 't' },
      { ...SERVER, bindings: [] },
      { ...SERVER, bindings: SERVER.bindings.map((b) => ({ ...b, secret: 'OTHER' })) },
      { ...SERVER, headers: { 'X-More': '1' } },
    ])
      assert.equal(approvals.isApproved(changed), false);
  });

  it('of a new plan take the place of the old one', async () => {
    const changed = { ...SERVER, url: 'https://b/' };
    await approvals.approve(SERVER, 'user');
    await approvals.approve(changed, 'user');
    assert.deepEqual([approvals.isApproved(SERVER), approvals.isApproved(changed)], [false, true]);
  });

  it('of several servers do not disturb each other, in several windows either', async () => {
    const other = new Approvals(store, audit);
    const servers = Array.from({ length: 10 }, (_, i) => ({ ...SERVER, name: `s${String(i)}` }));
    await Promise.all(servers.map((server, i) => (i % 2 === 0 ? approvals : other).approve(server, 'user')));
    for (const server of servers) assert.ok(approvals.isApproved(server) && other.isApproved(server));
    await other.revoke('s3', 'user');
    assert.equal(approvals.isApproved({ ...SERVER, name: 's3' }), false);
    assert.equal(approvals.isApproved({ ...SERVER, name: 's4' }), true);
  });

  it('are for any name that a server can have', async () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      assert.equal(approvals.isApproved({ ...SERVER, name }), false);
      await approvals.approve({ ...SERVER, name }, 'user');
      assert.equal(approvals.isApproved({ ...SERVER, name }), true);
    }
  });

  const broken = ['', 'x', 'null', '[]', '7', '{"s":7}', '{"s":null}', '{"s":["a"]}', '{"__proto__":{"s":"x"}}'];
  for (const text of broken) {
    it(`a store that holds ${JSON.stringify(text)} holds none, and new ones can be given`, async () => {
      store.text = text;
      assert.equal(approvals.isApproved(SERVER), false);
      await approvals.approve(SERVER, 'user');
      assert.equal(approvals.isApproved(SERVER), true);
    });
  }

  it('that cannot be read are not given', async () => {
    await approvals.approve(SERVER, 'user');
    store.failing = true;
    await refusal('storeFailed', () => approvals.isApproved(SERVER));
  });

  it('that cannot be stored are not given and not recorded', async () => {
    store.failing = true;
    await refusal('storeFailed', () => approvals.approve(SERVER, 'user'));
    store.failing = false;
    assert.equal(approvals.isApproved(SERVER), false);
    assert.deepEqual(audit.entries, []);
  });

  it('are recorded, and so is taking one back that there is', async () => {
    let told = 0;
    approvals.onDidChange(() => (told += 1));
    await approvals.approve(SERVER, 'user');
    await approvals.revoke('s', 'cli');
    await approvals.revoke('s', 'cli');
    await approvals.revoke('other', 'cli');
    assert.deepEqual(audit.entries, [
      { actor: 'user', action: 'server.approve', server: 's', secrets: ['K'], outcome: 'ok' },
      { actor: 'cli', action: 'server.revoke', server: 's', outcome: 'ok' },
    ]);
    assert.equal(told, 2);
    assert.doesNotMatch(store.text ?? '', /https/);
  });

  it('that another process takes back count for a second at most, though the clock goes back', async () => {
    let [day, steady] = [Date.UTC(2026, 0, 2), 1_000];
    mock.method(Date, 'now', () => day);
    mock.method(performance, 'now', () => steady);
    try {
      await approvals.approve(SERVER, 'user');
      assert.equal(approvals.isApproved(SERVER), true);
      await new Approvals(store, audit).revoke('s', 'cli');
      day -= 3_600_000;
      steady += 999;
      assert.equal(approvals.isApproved(SERVER), true, 'it is not looked up at every call');
      steady += 1;
      assert.equal(approvals.isApproved(SERVER), false);
    } finally {
      mock.restoreAll();
    }
  });
});
