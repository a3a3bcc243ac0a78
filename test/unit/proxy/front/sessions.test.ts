import assert from 'node:assert/strict';
import type { HttpServer } from '../../../../src/bindings/server';
import { Sessions } from '../../../../src/proxy/front/sessions';
import type { Session } from '../../../../src/proxy/front/sessions';
import { refusal } from '../../support/errors';
import { FixedClock } from '../../support/memory';

const MINUTE = 60_000;
const SERVER: HttpServer = { name: 's', type: 'http', url: 'https://a/', headers: {}, bindings: [], scope: 'workspace' };
const OF = { agent: 'claude', server: SERVER };

describe('sessions', () => {
  let clock: FixedClock;
  let ended: Session[];
  let sessions: Sessions;

  beforeEach(() => {
    clock = new FixedClock(1);
    ended = [];
    sessions = new Sessions((session) => ended.push(session), clock);
  });

  /** Opened at this moment. */
  const openAt = (time: number, agent = 'claude'): Session => {
    clock.time = time;
    return sessions.open({ agent, server: SERVER });
  };

  /** Its agent comes back to it at this moment. */
  const useAt = (time: number, { id, agent }: Session): Session => {
    clock.time = time;
    return sessions.get(id, agent, 's');
  };

  it("are an agent's own with one server: nobody else can name them", async () => {
    const session = openAt(1);
    assert.equal(useAt(5, session), session);
    assert.equal(session.usedAt, 5);
    clock.time = 6;
    await refusal('sessionUnknown', () => sessions.get(session.id, 'cursor', 's'));
    await refusal('sessionUnknown', () => sessions.get(session.id, 'claude', 't'));
    for (const id of ['', 'undefined', session.id.toUpperCase(), `${session.id} `])
      await refusal('sessionUnknown', () => sessions.get(id, 'claude', 's'));
    assert.equal(session.usedAt, 5);
  });

  it('have ids that cannot be guessed', () => {
    const ids = Array.from({ length: 50 }, () => sessions.open(OF).id);
    assert.equal(new Set(ids).size, 50);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('end once', async () => {
    const session = sessions.open(OF);
    assert.deepEqual([sessions.close(session), sessions.close(session)], [true, false]);
    await refusal('sessionUnknown', () => sessions.get(session.id, 'claude', 's'));
    assert.deepEqual(sessions.all(), []);
  });

  it('are limited for each server by itself: the one that the agent has left alone for longest gives way', async () => {
    const opened = Array.from({ length: 64 }, (_, i) => openAt(i));
    const [first, second, third, fourth] = opened;
    assert.ok(first && second && third && fourth);
    useAt(80, third);
    for (const session of opened) if (session !== third && session !== fourth) useAt(90, session);
    useAt(100, first);
    sessions.enter(second);
    sessions.open({ agent: 'claude', server: { ...SERVER, name: 't' } });
    assert.deepEqual(ended, []);
    sessions.open(OF);
    assert.deepEqual(ended, [third]);
    await refusal('sessionUnknown', () => sessions.get(third.id, 'claude', 's'));
    assert.deepEqual([sessions.of('s').length, sessions.of('t').length], [64, 1]);
  });

  it('give way also when their agents come back within the same moment', () => {
    const opened = Array.from({ length: 64 }, () => useAt(7, openAt(7)));
    sessions.open(OF);
    assert.deepEqual(ended, opened.slice(0, 1));
  });

  it('give way in their order, though somebody sets the time back', () => {
    const opened = Array.from({ length: 64 }, () => sessions.open(OF));
    for (const session of opened) {
      useAt(clock.time + 1, session);
      clock.wrongBy -= 3_600_000;
    }
    sessions.open(OF);
    assert.deepEqual(ended, opened.slice(0, 1));
  });

  it('in use do not give way, nor those that begin, nor those of agents that have no more', async () => {
    for (let i = 0; i < 32; i++) useAt(70, openAt(i));
    for (let i = 0; i < 31; i++) sessions.enter(openAt(100, 'cursor'));
    openAt(100, 'cursor');
    const error = await refusal('sessionLimit', () => openAt(101, 'cursor'));
    assert.deepEqual(error.details, { server: 's', limit: 64 });
    assert.deepEqual(ended, []);
  });

  it('that their agents never came back to give way first, but not before the agent can have', () => {
    const used = Array.from({ length: 62 }, () => useAt(0, openAt(0)));
    const [first, second] = [openAt(1), openAt(2)];
    openAt(10_000);
    assert.deepEqual(ended, used.slice(0, 1));
    openAt(10_002);
    openAt(10_003);
    assert.deepEqual(ended, [used[0], first, second]);
  });

  /** An answer that tells an agent of a session. */
  class Telling {
    ended = false;
    #closed: () => void = () => undefined;
    onClosed(closed: () => void): void {
      this.#closed = closed;
    }
    close(): void {
      this.ended = true;
      this.#closed();
    }
  }

  it('are in use until the answer that tells the agent of them is over', async () => {
    const replies = Array.from({ length: 64 }, () => new Telling());
    const opened = replies.map((reply) => sessions.open({ ...OF, reply }));
    clock.time = 30 * MINUTE;
    await refusal('sessionLimit', () => sessions.open(OF));
    assert.deepEqual(sessions.abandoned(), []);
    for (const reply of replies) reply.close();
    clock.time += 9_000;
    await refusal('sessionLimit', () => sessions.open(OF));
    clock.time += 2 * MINUTE - 9_000;
    assert.deepEqual(sessions.abandoned(), []);
    clock.time += 1;
    assert.deepEqual(sessions.abandoned(), opened);
  });

  it('are not in use by an answer that is complete, and waits behind others', () => {
    const reply = new Telling();
    const first = sessions.open({ ...OF, reply });
    for (let n = 1; n < 64; n += 1) openAt(2);
    clock.time = 2 * MINUTE + 2;
    assert.deepEqual(sessions.abandoned(), []);
    reply.ended = true;
    assert.deepEqual(sessions.abandoned(), [first]);
    sessions.open(OF);
    assert.deepEqual(ended, [first]);
  });

  it('cannot be had by one agent alone: who has most gives way, also what it never came back to', () => {
    const few = openAt(0, 'claude code');
    const many = Array.from({ length: 63 }, (_, i) => openAt(i));
    const taken = Array.from({ length: 20 }, () => openAt(10 * MINUTE, 'cursor'));
    assert.deepEqual(ended, many.slice(0, 20));
    for (const session of [few, ...taken]) assert.ok(sessions.has(session));
  });

  it('cannot be had by one agent alone by listening: those that only listen give way to another agent, those at work do not', async () => {
    const many = Array.from({ length: 64 }, (_, i) => useAt(70 + i, openAt(i)));
    for (const session of many) Object.assign(session, { visits: 1, streams: 1 });
    const [first, second] = many;
    assert.ok(first && second);
    first.visits = 2;
    await refusal('sessionLimit', () => openAt(200));
    openAt(200, 'cursor');
    assert.deepEqual(ended, [second]);
  });

  it('are abandoned after an hour without a use, and after minutes if their agent never came back', async () => {
    const [used, unused, working] = [useAt(0, openAt(0)), openAt(0), openAt(0)];
    let done = (): void => undefined;
    const work = sessions.during(working, () => new Promise((resolve) => (done = resolve)));
    clock.time = 2 * MINUTE;
    assert.deepEqual(sessions.abandoned(), []);
    clock.time += 1;
    assert.deepEqual(sessions.abandoned(), [unused]);
    clock.time = 60 * MINUTE + 1;
    assert.deepEqual(sessions.abandoned(), [used, unused]);
    done();
    await work;
    assert.deepEqual([working.usedAt, sessions.abandoned()], [clock.time, [used, unused]]);
  });
});
