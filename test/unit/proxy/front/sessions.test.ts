import assert from 'node:assert/strict';
import { Sessions } from '../../../../src/proxy/front/sessions';
import type { Session } from '../../../../src/proxy/front/sessions';
import { refusal } from '../../support/errors';

const OF = { agent: 'claude', server: 's', type: 'http', plan: 'p', state: undefined } as const;

describe('sessions', () => {
  it("are an agent's own with one server: nobody else can name them", async () => {
    const sessions = new Sessions(() => undefined);
    const session = sessions.open(OF, 1);
    assert.equal(sessions.get(session.id, 'claude', 's', 5), session);
    assert.equal(session.usedAt, 5);
    await refusal('sessionUnknown', () => sessions.get(session.id, 'cursor', 's', 6));
    await refusal('sessionUnknown', () => sessions.get(session.id, 'claude', 't', 6));
    for (const id of ['', 'undefined', session.id.toUpperCase(), `${session.id} `])
      await refusal('sessionUnknown', () => sessions.get(id, 'claude', 's', 6));
    assert.equal(session.usedAt, 5);
  });

  it('have ids that cannot be guessed', () => {
    const sessions = new Sessions(() => undefined);
    const ids = Array.from({ length: 50 }, () => sessions.open(OF, 1).id);
    assert.equal(new Set(ids).size, 50);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('end once', async () => {
    const sessions = new Sessions(() => undefined);
    const session = sessions.open(OF, 1);
    assert.deepEqual([sessions.close(session), sessions.close(session)], [true, false]);
    await refusal('sessionUnknown', () => sessions.get(session.id, 'claude', 's', 2));
    assert.deepEqual(sessions.all(), []);
  });

  it('are limited for each server by itself: the one that the agent has left alone for longest gives way', async () => {
    const ended: Session[] = [];
    const sessions = new Sessions((session) => ended.push(session));
    const opened = Array.from({ length: 64 }, (_, i) => sessions.open(OF, i));
    const [first, second, third, fourth] = opened;
    assert.ok(first && second && third && fourth);
    for (const { id } of opened.filter((session) => session !== fourth)) sessions.get(id, OF.agent, OF.server, 90);
    sessions.get(third.id, OF.agent, OF.server, 80);
    sessions.get(first.id, OF.agent, OF.server, 100);
    second.visits = 1;
    sessions.open({ ...OF, server: 't' }, 101);
    assert.deepEqual(ended, []);
    sessions.open(OF, 101);
    assert.deepEqual(ended, [third]);
    await refusal('sessionUnknown', () => sessions.get(third.id, OF.agent, OF.server, 102));
    assert.deepEqual([sessions.of('s').length, sessions.of('t').length], [64, 1]);
  });

  it('in use do not give way, nor those that begin, nor those of agents that have no more', async () => {
    const sessions = new Sessions(() => assert.fail('ended one'));
    for (let i = 0; i < 32; i++) sessions.get(sessions.open(OF, i).id, OF.agent, OF.server, 70);
    for (let i = 0; i < 31; i++) sessions.open({ ...OF, agent: 'cursor' }, 100).visits = 1;
    sessions.open({ ...OF, agent: 'cursor' }, 100);
    const error = await refusal('sessionLimit', () => sessions.open({ ...OF, agent: 'cursor' }, 101));
    assert.deepEqual(error.details, { server: 's', limit: 64 });
  });

  it('cannot be had by one agent alone: who has most gives way, also what it never came back to', () => {
    const ended: Session[] = [];
    const sessions = new Sessions((session) => ended.push(session));
    const minute = 60_000;
    const few = sessions.open({ ...OF, agent: 'claude code' }, 0);
    const many = Array.from({ length: 63 }, (_, i) => sessions.open(OF, i));
    const taken = Array.from({ length: 20 }, () => sessions.open({ ...OF, agent: 'cursor' }, 10 * minute));
    assert.deepEqual(ended, many.slice(0, 20));
    for (const session of [few, ...taken]) assert.ok(sessions.has(session));
  });

  it('cannot be had by one agent alone by listening: those that only listen give way to another agent, those at work do not', async () => {
    const ended: Session[] = [];
    const sessions = new Sessions((session) => ended.push(session));
    const many = Array.from({ length: 64 }, (_, i) => sessions.get(sessions.open(OF, i).id, OF.agent, OF.server, 70 + i));
    for (const session of many) Object.assign(session, { visits: 1, streams: 1 });
    const [first, second] = many;
    assert.ok(first && second);
    first.visits = 2;
    await refusal('sessionLimit', () => sessions.open(OF, 200));
    sessions.open({ ...OF, agent: 'cursor' }, 200);
    assert.deepEqual(ended, [second]);
  });
});
