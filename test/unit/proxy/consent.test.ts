import assert from 'node:assert/strict';
import type { CallAnswer, CallQuestion } from '../../../src/bindings/callApproval';
import { CallGrants } from '../../../src/bindings/callGrants';
import type { HttpServer } from '../../../src/bindings/server';
import type { Call } from '../../../src/proxy/call';
import { Consent } from '../../../src/proxy/consent';
import type { Wording } from '../../../src/proxy/consent';
import { refusal } from '../support/errors';
import { FixedClock, MemoryBlobStore, RecordingAudit, RecordingLogger } from '../support/memory';

const SERVER: HttpServer = { name: 's', type: 'http', url: 'https://a/', headers: {}, bindings: [], scope: 'workspace' };
const wording = (): Promise<Wording> => Promise.resolve({ rule: 'Rule 1: ask x', tool: 'x', arguments: '{}' });

/** A person whose answers are the test's. */
class Person {
  readonly questions: { readonly question: CallQuestion; readonly answer: (answer: CallAnswer) => void }[] = [];

  ask(question: CallQuestion): Promise<CallAnswer> {
    return new Promise((answer) => this.questions.push({ question, answer }));
  }

  /** Answers the newest question, once it is there. */
  async answers(answer: CallAnswer): Promise<void> {
    const count = this.questions.length;
    for (let turn = 0; turn < 50 && this.questions.length === count - 1; turn += 1) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    this.questions.at(-1)?.answer(answer);
  }
}

function bench({ asks = true } = {}): {
  consent: Consent;
  person: Person;
  grants: CallGrants;
  logger: RecordingLogger;
  store: MemoryBlobStore;
} {
  const person = new Person();
  const store = new MemoryBlobStore();
  const logger = new RecordingLogger();
  const grants = new CallGrants(store, new RecordingAudit());
  const consent = new Consent({ approver: asks ? person : undefined, grants, clock: new FixedClock(), logger });
  return { consent, person, grants, logger, store };
}

let ids = 0;
function call({ agent = 'A', session, onGone }: Partial<Call> = {}): Call {
  ids += 1;
  const gone = onGone === undefined ? {} : { onGone };
  return { agent, server: 's', id: ids, method: 'tools/call', tool: 'x', startedAt: 0, scope: undefined, versions: {}, session, ...gone };
}
const about = (agent = 'A', rule = 1): { server: HttpServer; tool: string; agent: string; rule: number } => ({
  server: SERVER,
  tool: 'x',
  agent,
  rule,
});

describe('consent', () => {
  it('that was given once is asked for again', async () => {
    const { consent, person } = bench();
    for (let round = 1; round <= 3; round += 1) {
      const given = consent.get(call(), about(), wording);
      await person.answers('once');
      await given;
      assert.equal(person.questions.length, round);
    }
  });

  it('for a session is for that session, tool and rule', async () => {
    const { consent, person } = bench();
    const given = consent.get(call({ session: 's1' }), about(), wording);
    await person.answers('session');
    await given;
    assert.equal(consent.get(call({ session: 's1' }), about(), wording), undefined);
    const other = consent.get(call({ agent: 'B', session: 's1' }), about('B'), wording);
    await person.answers('no');
    await refusal('callDeclined', () => other);
    for (const [session, what] of [
      ['s2', about()],
      [undefined, about()],
      ['s1', about('A', 2)],
      ['s1', { ...about(), tool: 'y' }],
    ] as const) {
      const asked = consent.get(call({ session }), what, wording);
      await person.answers('no');
      await refusal('callDeclined', () => asked);
    }
    assert.equal(person.questions.length, 6);
  });

  it('for a tool whose name holds the value of a secret shows it masked, and is for the session at most', async () => {
    const { consent, person, store } = bench();
    const what = { ...about(), tool: 'get_value-of-a' };
    const masked = (): Promise<Wording> => Promise.resolve({ rule: 'Rule 1: ask x', tool: 'get_[secret:A]', arguments: '{}' });
    const given = consent.get(call({ session: 's1' }), what, masked);
    await person.answers('always');
    await given;
    assert.equal(person.questions[0]?.question.tool, 'get_[secret:A]');
    assert.equal(store.read(), undefined, 'something was kept');
    assert.equal(consent.get(call({ session: 's1' }), what, masked), undefined);
    assert.notEqual(consent.get(call({ session: 's2' }), what, masked), undefined);
  });

  it('without a session is for the agent, as long as the proxy runs', async () => {
    const { consent, person } = bench();
    const given = consent.get(call(), about(), wording);
    await person.answers('session');
    await given;
    assert.equal(consent.get(call(), about(), wording), undefined);
    const other = consent.get(call({ agent: 'B' }), about('B'), wording);
    await person.answers('no');
    await refusal('callDeclined', () => other);
  });

  it('is for the plan under which it was given: another address, scope or policy is asked about', async () => {
    const { consent, person } = bench();
    const plans: readonly HttpServer[] = [
      SERVER,
      { ...SERVER, url: 'https://b/' },
      { ...SERVER, scope: 'production' },
      { ...SERVER, policy: { rules: [{ tools: ['x'], action: 'ask' }], default: 'deny' } },
    ];
    for (const session of ['s1', undefined])
      for (const server of plans) {
        const given = consent.get(call({ session }), { ...about(), server }, wording);
        assert.ok(given !== undefined, `${String(session)}: ${JSON.stringify(server)}`);
        await person.answers('session');
        await given;
      }
    assert.equal(consent.get(call(), about(), wording), undefined);
    assert.equal(consent.get(call({ session: 's1' }), { ...about(), server: { ...SERVER } }, wording), undefined);
    assert.equal(person.questions.length, 8);
  });

  it('for good is kept, and asked for no more', async () => {
    const { consent, person, grants } = bench();
    const given = consent.get(call({ session: 's1' }), about(), wording);
    await person.answers('always');
    await given;
    assert.equal(grants.list().length, 1);
    for (const session of ['s1', 's2']) assert.equal(consent.get(call({ session }), about(), wording), undefined);
    await grants.revoke({ server: 's' }, 'user');
    for (const session of ['s1', 's2']) {
      const asked = consent.get(call({ session }), about(), wording);
      await person.answers('no');
      await refusal('callDeclined', () => asked);
    }
  });

  it('for good that cannot be kept counts for the session, and the log says so', async () => {
    const { consent, person, logger, store } = bench();
    store.update = () => Promise.reject(new Error('disk'));
    const given = consent.get(call({ session: 's1' }), about(), wording);
    await person.answers('always');
    await given;
    assert.equal(consent.get(call({ session: 's1' }), about(), wording), undefined);
    assert.ok(
      logger.errors.some((line) => line.includes('could not be kept')),
      JSON.stringify(logger),
    );
  });

  it('is refused where nobody can be asked, and says how it is given', async () => {
    const { consent } = bench({ asks: false });
    const error = await refusal('callUnapproved', () => consent.get(call(), about(`it's "me"`), wording));
    assert.match(error.message, /"mcp-secrets policy allow s x --agent A"/);
  });

  it('is not asked for on behalf of a call that is gone', async () => {
    const { consent, person } = bench();
    let leave = (): void => undefined;
    const asked = consent.get(call({ onGone: (callback) => (leave = callback) }), about(), wording);
    await new Promise((resolve) => setImmediate(resolve));
    const [first] = person.questions;
    assert.equal(first?.question.waits(), true);
    leave();
    assert.equal(first.question.waits(), false);
    await refusal('callWithdrawn', () => asked);
  });

  it('is not asked for any more when the agent cancels that call, and no other', async () => {
    const { consent, person } = bench();
    const mine = call({ session: 's1' });
    const asked = consent.get(mine, about(), wording);
    for (const [agent, server, session, id] of [
      ['B', 's', 's1', mine.id],
      ['A', 't', 's1', mine.id],
      ['A', 's', 's2', mine.id],
      ['A', 's', 's1', String(mine.id)],
    ] as const)
      consent.withdraw(agent, server, session, id);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(person.questions[0]?.question.waits(), true);
    consent.withdraw('A', 's', 's1', mine.id);
    await refusal('callWithdrawn', () => asked);
  });

  it('is not asked for without end: after three noes in a session it is no', async () => {
    const { consent, person } = bench();
    for (let round = 0; round < 3; round += 1) {
      const asked = consent.get(call({ session: 's1' }), about(), wording);
      await person.answers('no');
      await refusal('callDeclined', () => asked);
    }
    await refusal('callDeclined', () => consent.get(call({ session: 's1' }), about(), wording));
    assert.equal(person.questions.length, 3);
    const elsewhere = consent.get(call({ session: 's2' }), about(), wording);
    await person.answers('once');
    await elsewhere;
  });

  it('is asked for only so many calls of an agent at a time', async () => {
    const { consent, person } = bench();
    const waiting = Array.from({ length: 16 }, () => consent.get(call(), about(), wording));
    await refusal('callQueueFull', () => consent.get(call(), about(), wording));
    const other = consent.get(call({ agent: 'B' }), about('B'), wording);
    await new Promise((resolve) => setImmediate(resolve));
    for (const { answer } of person.questions) answer('once');
    await Promise.all([...waiting, other]);
  });
});
