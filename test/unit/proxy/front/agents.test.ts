import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Agents, hashOf, OWN_AGENTS, tokenId } from '../../../../src/proxy/front/agents';
import { refusal } from '../../support/errors';
import { FixedClock, MemoryBlobStore, RecordingAudit } from '../../support/memory';

let store = new MemoryBlobStore();
let uses = new MemoryBlobStore();
let audit = new RecordingAudit();
let clock = new FixedClock();
let tokens = another();

/** The agents as another window or process has them. */
function another(): Agents {
  return new Agents({ store, uses, audit, clock });
}

/** Whose a token is, and `undefined` for one that is not let in. */
function agentOf(token: string, agents = tokens): string | undefined {
  return agents.isValid(token) ? agents.admit(hashOf(token)) : undefined;
}

beforeEach(() => {
  store = new MemoryBlobStore();
  uses = new MemoryBlobStore();
  audit = new RecordingAudit();
  clock = new FixedClock();
  tokens = another();
});

describe('agent tokens', () => {
  it('are 256 random bits, a new one each time', async () => {
    const issued = await Promise.all(Array.from({ length: 20 }, () => tokens.issue('a', 'user')));
    for (const token of [...issued, tokens.issueTemporary('a')]) assert.match(token, /^[A-Za-z0-9_-]{43}$/);
    assert.equal(new Set(issued).size, 20);
  });

  it('name their agent', async () => {
    const [claude, cursor] = [await tokens.issue('claude', 'user'), await tokens.issue('cursor', 'user')];
    const temporary = tokens.issueTemporary('vscode');
    assert.deepEqual([agentOf(claude), agentOf(cursor), agentOf(temporary)], ['claude', 'cursor', 'vscode']);
  });

  it('are not guessed, and not made of what is stored', async () => {
    const token = await tokens.issue('a', 'user');
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
    for (const guess of wrong) {
      assert.equal(agentOf(guess), undefined);
      await refusal('tokenWrong', () => tokens.admit(hashOf(guess)));
    }
    assert.equal(agentOf(token), 'a');
  });

  it('are let in by their SHA-256 in hex, and by nothing else', async () => {
    for (const token of [await tokens.issue('a', 'user'), tokens.issueTemporary('a')]) {
      const hex = createHash('sha256').update(token).digest('hex');
      assert.equal(hashOf(token), hex);
      assert.equal(tokens.admit(hex), 'a');
      for (const other of [
        '',
        token,
        hashOf(hex),
        hex.toUpperCase(),
        hex.slice(0, 8),
        tokenId(token),
        `${hex} `,
        '__proto__',
        'constructor',
      ])
        await refusal('tokenWrong', () => tokens.admit(other));
    }
  });

  it('are stored as hashes only, and the record names the agent only', async () => {
    const token = await tokens.issue('a', 'user');
    tokens.issueTemporary('b');
    const written = `${store.text ?? ''}${JSON.stringify(audit.entries)}`;
    assert.ok(
      !written.includes(token) &&
        !written.includes(Buffer.from(token).toString('base64')) &&
        !written.includes(Buffer.from(token, 'base64url').toString('hex')),
    );
    assert.ok((store.text ?? '').includes(createHash('sha256').update(token).digest('hex')));
    assert.deepEqual(audit.entries, [{ actor: 'user', action: 'agent.issue', agent: 'a', token: tokenId(token), outcome: 'ok' }]);
  });

  it('last, and temporary ones do not', async () => {
    const lasting = await tokens.issue('a', 'user');
    const temporary = tokens.issueTemporary('a');
    const restarted = another();
    assert.equal(agentOf(lasting, restarted), 'a');
    assert.equal(agentOf(temporary, restarted), undefined);
  });

  it('that are temporary take the place of earlier ones of the agent, not of lasting ones', async () => {
    const lasting = await tokens.issue('a', 'user');
    const other = tokens.issueTemporary('b');
    const first = tokens.issueTemporary('a');
    const second = tokens.issueTemporary('a');
    assert.deepEqual(
      [first, second, lasting, other].map((token) => agentOf(token)),
      [undefined, 'a', 'a', 'b'],
    );
  });

  it('end at once when they are revoked, in every window, all of the agent and no others', async () => {
    const window = another();
    const own = [await tokens.issue('a', 'user'), await tokens.issue('a', 'user'), tokens.issueTemporary('a')];
    const other = await window.issue('b', 'user');
    assert.deepEqual(
      own.map((token) => agentOf(token)),
      ['a', 'a', 'a'],
    );
    await window.revoke('a', 'user');
    assert.deepEqual(
      own.slice(0, 2).map((token) => agentOf(token)),
      [undefined, undefined],
    );
    await tokens.revoke('a', 'user');
    assert.equal(agentOf(own[2] ?? ''), undefined);
    assert.equal(agentOf(other), 'b');
    assert.deepEqual(
      tokens.list().map((info) => info.agent),
      ['b'],
    );
  });

  it('end all at once, of every agent and in every window, with one entry in the record', async () => {
    const window = another();
    const own = [await tokens.issue('a', 'user'), await window.issue('b', 'user'), tokens.issueTemporary('c')];
    assert.deepEqual(
      own.map((token) => agentOf(token)),
      ['a', 'b', 'c'],
    );
    audit.entries.length = 0;
    await tokens.revokeAll('user');
    for (const token of own) assert.deepEqual([agentOf(token), agentOf(token, window)], [undefined, undefined]);
    assert.deepEqual(audit.entries, [{ actor: 'user', action: 'agent.revoke', outcome: 'ok' }]);
    assert.equal(agentOf(await tokens.issue('a', 'user')), 'a', 'new ones can be had');
  });

  it('end here before that is stored, when all are ended', async () => {
    const token = await tokens.issue('a', 'user');
    const stored = tokens.revokeAll('user');
    assert.equal(agentOf(token), undefined);
    await stored;
    assert.equal(agentOf(token), undefined);
  });

  it('that end with the process end also when the others cannot be revoked, which is said', async () => {
    const temporary = tokens.issueTemporary('a');
    await tokens.issue('b', 'user');
    store.failing = true;
    await refusal('storeFailed', () => tokens.revokeAll('user'));
    store.failing = false;
    assert.equal(agentOf(temporary), undefined);
    assert.deepEqual(
      audit.entries.map(({ action }) => action),
      ['agent.issue'],
    );
  });

  it('of two windows do not take each other out', async () => {
    const window = another();
    const issued = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? tokens : window).issue(`a${String(i)}`, 'user')));
    issued.forEach((token, i) => {
      assert.equal(agentOf(token), `a${String(i)}`);
    });
  });

  for (const text of [
    '',
    'x',
    '{}',
    '[7]',
    '[{"agent":"a","hash":"short","issuedAt":1}]',
    'null',
    '{"format":3,"tokens":[],"access":[]}',
  ]) {
    it(`let nobody in when the store holds ${JSON.stringify(text)}, and can be issued again`, async () => {
      const token = await tokens.issue('a', 'user');
      store.text = text;
      assert.equal(agentOf(token), undefined);
      assert.deepEqual(tokens.list(), []);
      assert.equal(agentOf(await tokens.issue('b', 'user')), 'b');
    });
  }

  it('let nobody in when the store cannot be read, and are not issued when it cannot be written', async () => {
    const token = await tokens.issue('a', 'user');
    store.failing = true;
    await refusal('storeFailed', () => agentOf(token));
    await refusal('storeFailed', () => tokens.issue('b', 'user'));
    assert.equal(audit.entries.length, 1);
  });

  it('are told apart when they have expired, to the millisecond', async () => {
    const token = await tokens.issue('a', 'user', { expiresAt: clock.time + 1000 });
    clock.time += 999;
    assert.equal(tokens.admit(hashOf(token)), 'a');
    clock.time += 1;
    const error = await refusal('tokenExpired', () => tokens.admit(hashOf(token)));
    assert.deepEqual(error.details, { agent: 'a', at: clock.time });
    assert.match(error.message, /"a" expired on 2026-01-02\. Get a new one with/);
    assert.equal(tokens.isValid(token), false);
    await refusal('tokenWrong', () => tokens.admit(hashOf(`${token}x`)));
    await tokens.revoke('a', 'user');
    await refusal('tokenWrong', () => tokens.admit(hashOf(token)));
  });

  it('that expired long ago are forgotten when something is changed', async () => {
    const [old, lasting] = [await tokens.issue('a', 'user', { expiresAt: clock.time + 1 }), await tokens.issue('b', 'user')];
    clock.time += 91 * 24 * 60 * 60 * 1000;
    await refusal('tokenExpired', () => tokens.admit(hashOf(old)));
    await tokens.issue('c', 'user');
    await refusal('tokenWrong', () => tokens.admit(hashOf(old)));
    assert.equal(tokens.admit(hashOf(lasting)), 'b');
  });

  it('can be ended one by one, by their id', async () => {
    const [one, two] = [await tokens.issue('a', 'user'), await tokens.issue('a', 'user')];
    const other = await tokens.issue('b', 'user');
    audit.entries.length = 0;
    await tokens.revoke('a', 'cli', tokenId(one));
    assert.deepEqual([agentOf(one), agentOf(two), agentOf(other)], [undefined, 'a', 'b']);
    assert.equal(tokens.hasToken('a'), true);
    assert.deepEqual(audit.entries, [{ actor: 'cli', action: 'agent.revoke', agent: 'a', token: tokenId(one), outcome: 'ok' }]);
    for (const id of [tokenId(one), tokenId(other), '', '__proto__']) {
      const error = await refusal('tokenUnknown', () => tokens.revoke('a', 'cli', id));
      assert.equal(error.details.token, id);
    }
    const unknown = await refusal('agentUnknown', () => tokens.revoke('A', 'cli'));
    assert.deepEqual(unknown.details.known, ['a', 'b']);
    assert.equal(agentOf(two), 'a');
    await tokens.revoke('a', 'cli', tokenId(two));
    assert.equal(tokens.hasToken('a'), false);
  });

  it('that end with the process end also when the store fails', async () => {
    const token = tokens.issueTemporary('a');
    store.failing = true;
    await refusal('storeFailed', () => tokens.revoke('a', 'user'));
    store.failing = false;
    assert.equal(agentOf(token), undefined);
  });

  it('of the first format still work, and are kept when something is changed', async () => {
    const hash = createHash('sha256').update('an old token').digest('hex');
    store.text = JSON.stringify([{ agent: 'old', hash, issuedAt: 5 }]);
    assert.equal(tokens.admit(hashOf('an old token')), 'old');
    assert.deepEqual(tokens.list()[0]?.tokens[0]?.id, hash.slice(0, 8));
    await tokens.issue('new', 'user');
    assert.equal(another().admit(hashOf('an old token')), 'old');
    await tokens.revoke('old', 'user', hash.slice(0, 8));
    assert.equal(agentOf('an old token'), undefined);
  });

  it('say when they were last used, in other processes too, and are not written at each use', async () => {
    const token = await tokens.issue('a', 'user');
    const before = store.writes;
    clock.time += 5000;
    for (let n = 0; n < 1000; n += 1) tokens.admit(hashOf(token));
    assert.equal(tokens.list()[0]?.tokens[0]?.lastUsedAt, clock.time);
    assert.deepEqual([store.writes, uses.writes], [before, 0]);
    await Promise.all([tokens.flush(), tokens.flush()]);
    assert.equal(uses.writes, 1);
    assert.equal(another().list()[0]?.tokens[0]?.lastUsedAt, clock.time);
    tokens.isValid(token);
    await tokens.flush();
    assert.equal(uses.writes, 1, 'looking is no use');
  });

  it('that have ended, and those that end with the process, leave no trace among the uses', async () => {
    const [kept, ended] = [await tokens.issue('a', 'user'), await tokens.issue('b', 'user')];
    const temporary = tokens.issueTemporary('c');
    for (const token of [kept, ended, temporary]) tokens.admit(hashOf(token));
    await tokens.revoke('b', 'user');
    await tokens.flush();
    assert.ok(uses.text?.includes(tokenId(kept)));
    for (const token of [ended, temporary]) assert.ok(!(uses.text ?? '').includes(tokenId(token)));
  });

  it('work on when their uses cannot be read or written', async () => {
    for (const text of ['', '{}', '[]', '{"tokens":[["__proto__",1]],"clients":[]}']) {
      uses.text = text;
      const token = await tokens.issue('a', 'user');
      assert.equal(tokens.admit(hashOf(token)), 'a');
      assert.ok(tokens.list().length > 0);
    }
    uses.failing = true;
    await tokens.flush();
    assert.equal(tokens.list()[0]?.tokens[0]?.lastUsedAt, clock.time);
  });
});

describe('agents', () => {
  it('are listed with their tokens, the newest first, and with what they may use and say of themselves', async () => {
    await tokens.issue('b', 'user', { expiresAt: clock.time + 7 });
    clock.time += 1;
    await tokens.issue('b', 'user', { servers: ['two', 'one'] });
    await tokens.issue('a', 'user');
    tokens.issueTemporary('VS Code');
    tokens.issueTemporary(OWN_AGENTS.probe);
    tokens.claimed('a', 'claude-code 1.2');
    const listed = tokens
      .list()
      .map(({ tokens: own, ...rest }) => ({ ...rest, own: own.map(({ id, ...info }) => (/^[0-9a-f]{8}$/.test(id) ? info : id)) }));
    const now = clock.time;
    assert.deepEqual(listed, [
      { agent: 'VS Code', own: [{ issuedAt: now, lasting: false }] },
      { agent: 'a', client: 'claude-code 1.2', own: [{ issuedAt: now, lasting: true }] },
      {
        agent: 'b',
        servers: ['one', 'two'],
        own: [
          { issuedAt: now, lasting: true },
          { issuedAt: now - 1, lasting: true, expiresAt: now + 6 },
        ],
      },
    ]);
  });

  it('are listed with the newest token first, also of one moment', async () => {
    for (const ms of [1, 2, 3]) await tokens.issue('a', 'user', { expiresAt: clock.time + ms });
    const [agent] = tokens.list();
    assert.deepEqual(
      agent?.tokens.map(({ expiresAt }) => (expiresAt ?? 0) - clock.time),
      [3, 2, 1],
    );
  });

  it('may use every server, until they are limited; the limit outlasts their tokens', async () => {
    await tokens.issue('a', 'user');
    const token = await tokens.issue('b', 'user', { servers: ['one'] });
    const window = another();
    window.admit(hashOf(token));
    for (const agents of [tokens, window]) {
      const may = ['a', 'b'].flatMap((agent) => ['one', 'two'].map((server) => agents.mayUse(agent, server)));
      assert.deepEqual(may, [true, true, true, false]);
    }
    await tokens.revoke('b', 'user');
    const again = await tokens.issue('b', 'user');
    assert.deepEqual([tokens.admit(hashOf(again)), tokens.mayUse('b', 'two')], ['b', false]);
    await tokens.allow('b', ['two'], 'user');
    assert.deepEqual([tokens.mayUse('b', 'one'), tokens.mayUse('b', 'two')], [false, true]);
    await tokens.allow('b', [], 'user');
    assert.equal(tokens.mayUse('b', 'two'), false, 'none at all');
    await tokens.allow('b', 'all', 'user');
    assert.equal(tokens.mayUse('b', 'one'), true);
    assert.deepEqual(
      audit.entries.filter(({ action }) => action === 'agent.access').map(({ agent, servers }) => [agent, servers]),
      [
        ['b', ['one']],
        ['b', ['two']],
        ['b', []],
        ['b', undefined],
      ],
    );
    await refusal('agentUnknown', () => tokens.allow('nobody', ['one'], 'user'));
  });

  it('and servers have names that objects have, too', async () => {
    for (const name of ['constructor', 'toString']) {
      const token = await tokens.issue(name, 'user', { servers: ['constructor'] });
      assert.equal(another().admit(hashOf(token)), name);
      assert.deepEqual([tokens.mayUse(name, 'constructor'), tokens.mayUse(name, 'valueOf')], [true, false]);
    }
    assert.equal(tokens.mayUse('valueOf', 'constructor'), true, 'nobody has limited this one');
  });

  it('have names that people can read, and not those of the product', async () => {
    for (const agent of ['Claude Code', 'VS Code (another window)', 'köder 2', 'a.b_c-d']) await tokens.issue(agent, 'user');
    const wrong = [
      '',
      ' ',
      ' a',
      'a ',
      'a\nb',
      'a\u202eb',
      'a\u200bb',
      '\u0000',
      '<b>',
      '__proto__',
      'x'.repeat(41),
      ...Object.values(OWN_AGENTS),
    ];
    for (const agent of wrong) await refusal('agentNameInvalid', () => tokens.issue(agent, 'user'));
  });

  it('tell of changes', async () => {
    let news = 0;
    tokens.onDidChange(() => (news += 1));
    const token = await tokens.issue('a', 'user');
    tokens.admit(hashOf(token));
    assert.equal(news, 1);
    tokens.issueTemporary('b');
    await tokens.allow('a', ['x'], 'user');
    await tokens.revoke('a', 'user');
    await tokens.revokeAll('user');
    assert.equal(news, 5);
  });
});
