import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { AgentTokens } from '../../../../src/proxy/front/agentTokens';
import { refusal } from '../../support/errors';
import { MemoryBlobStore, RecordingAudit } from '../../support/memory';

describe('agent tokens', () => {
  let store = new MemoryBlobStore();
  let audit = new RecordingAudit();
  let tokens = new AgentTokens(store, audit);
  beforeEach(() => {
    store = new MemoryBlobStore();
    audit = new RecordingAudit();
    tokens = new AgentTokens(store, audit);
  });

  it('are 256 random bits, a new one each time', async () => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => tokens.issue('a', 'user', 1)));
    for (const token of [...issued, tokens.issueTemporary('a', 1)]) assert.match(token, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(new Set(issued).size, 20);
  });

  it('name their agent', async () => {
    const [claude, cursor] = [await tokens.issue('claude', 'user', 1), await tokens.issue('cursor', 'user', 1)];
    const temporary = tokens.issueTemporary('vscode', 1);
    assert.deepEqual([tokens.verify(claude), tokens.verify(cursor), tokens.verify(temporary)], ['claude', 'cursor', 'vscode']);
  });

  it('are not guessed, and not made of what is stored', async () => {
    const token = await tokens.issue('a', 'user', 1);
    const hash = createHash('sha256').update(token).digest();
    const wrong = [
      '',
      'x',
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      ` ${token}`,
      `${token}=`,
      hash.toString('hex'),
      hash.toString('base64url'),
      'undefined',
    ];
    for (const guess of wrong) assert.equal(tokens.verify(guess), undefined);
    assert.equal(tokens.verify(token), 'a');
  });

  it('are stored as hashes only, and the record names the agent only', async () => {
    const token = await tokens.issue('a', 'user', 1);
    tokens.issueTemporary('b', 1);
    const written = `${store.text ?? ''}${JSON.stringify(audit.entries)}`;
    assert.ok(
      !written.includes(token) &&
        !written.includes(Buffer.from(token).toString('base64')) &&
        !written.includes(Buffer.from(token, 'base64url').toString('hex')),
    );
    assert.ok((store.text ?? '').includes(createHash('sha256').update(token).digest('hex')));
    assert.deepEqual(audit.entries, [{ actor: 'user', action: 'agent.issue', agent: 'a', outcome: 'ok' }]);
  });

  it('last, and temporary ones do not', async () => {
    const lasting = await tokens.issue('a', 'user', 1);
    const temporary = tokens.issueTemporary('a', 1);
    const restarted = new AgentTokens(store, audit);
    assert.equal(restarted.verify(lasting), 'a');
    assert.equal(restarted.verify(temporary), undefined);
  });

  it('that are temporary take the place of earlier ones of the agent, not of lasting ones', async () => {
    const lasting = await tokens.issue('a', 'user', 1);
    const other = tokens.issueTemporary('b', 1);
    const first = tokens.issueTemporary('a', 1);
    const second = tokens.issueTemporary('a', 2);
    assert.deepEqual(
      [first, second, lasting, other].map((token) => tokens.verify(token)),
      [undefined, 'a', 'a', 'b'],
    );
  });

  it('end at once when they are revoked, in every window, all of the agent and no others', async () => {
    const window = new AgentTokens(store, audit);
    const own = [await tokens.issue('a', 'user', 1), await tokens.issue('a', 'user', 2), tokens.issueTemporary('a', 3)];
    const other = await window.issue('b', 'user', 1);
    assert.deepEqual(
      own.map((token) => tokens.verify(token)),
      ['a', 'a', 'a'],
    );
    await window.revoke('a', 'user');
    assert.deepEqual(
      own.slice(0, 2).map((token) => tokens.verify(token)),
      [undefined, undefined],
    );
    await tokens.revoke('a', 'user');
    assert.equal(tokens.verify(own[2] ?? ''), undefined);
    assert.equal(tokens.verify(other), 'b');
    assert.deepEqual(
      tokens.list().map((info) => info.agent),
      ['b'],
    );
  });

  it('end all at once, of every agent and in every window, with one entry in the record', async () => {
    const window = new AgentTokens(store, audit);
    const own = [await tokens.issue('a', 'user', 1), await window.issue('b', 'user', 2), tokens.issueTemporary('c', 3)];
    assert.deepEqual(
      own.map((token) => tokens.verify(token)),
      ['a', 'b', 'c'],
    );
    audit.entries.length = 0;
    await tokens.revokeAll('user');
    for (const token of own) assert.deepEqual([tokens.verify(token), window.verify(token)], [undefined, undefined]);
    assert.deepEqual(audit.entries, [{ actor: 'user', action: 'agent.revoke', outcome: 'ok' }]);
    assert.equal(tokens.verify(await tokens.issue('a', 'user', 4)), 'a', 'new ones can be had');
  });

  it('that end with the process end also when the others cannot be revoked, which is said', async () => {
    const temporary = tokens.issueTemporary('a', 1);
    await tokens.issue('b', 'user', 1);
    store.failing = true;
    await refusal('storeFailed', () => tokens.revokeAll('user'));
    store.failing = false;
    assert.equal(tokens.verify(temporary), undefined);
    assert.deepEqual(
      audit.entries.map(({ action }) => action),
      ['agent.issue'],
    );
  });

  it('are listed by agent without the temporary ones', async () => {
    await tokens.issue('b', 'user', 5);
    await tokens.issue('a', 'user', 1);
    await tokens.issue('b', 'user', 3);
    tokens.issueTemporary('c', 9);
    assert.deepEqual(tokens.list(), [
      { agent: 'a', tokens: 1, issuedAt: 1 },
      { agent: 'b', tokens: 2, issuedAt: 5 },
    ]);
  });

  it('of two windows do not take each other out', async () => {
    const window = new AgentTokens(store, audit);
    const issued = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? tokens : window).issue(`a${String(i)}`, 'user', 1)),
    );
    issued.forEach((token, i) => {
      assert.equal(tokens.verify(token), `a${String(i)}`);
    });
  });

  for (const text of ['', 'x', '{}', '[7]', '[{"agent":"a","hash":"short","issuedAt":1}]', 'null']) {
    it(`let nobody in when the store holds ${JSON.stringify(text)}, and can be issued again`, async () => {
      const token = await tokens.issue('a', 'user', 1);
      store.text = text;
      assert.equal(tokens.verify(token), undefined);
      assert.deepEqual(tokens.list(), []);
      assert.equal(tokens.verify(await tokens.issue('b', 'user', 1)), 'b');
    });
  }

  it('let nobody in when the store cannot be read, and are not issued when it cannot be written', async () => {
    const token = await tokens.issue('a', 'user', 1);
    store.failing = true;
    await refusal('storeFailed', () => tokens.verify(token));
    await refusal('storeFailed', () => tokens.issue('b', 'user', 1));
    assert.equal(audit.entries.length, 1);
  });

  it('work without a store, for as long as the process lives', async () => {
    const storeless = new AgentTokens(undefined, audit);
    const token = await storeless.issue('a', 'cli', 1);
    assert.equal(storeless.verify(token), 'a');
    assert.deepEqual(storeless.list(), []);
    await storeless.revoke('a', 'cli');
    assert.equal(storeless.verify(token), undefined);
  });
});
