import assert from 'node:assert/strict';
import { Sessions } from '../../../../src/proxy/front/sessions';
import { refusal } from '../../support/errors';

const OF = { agent: 'claude', server: 's', type: 'http', plan: 'p', state: undefined } as const;

describe('sessions', () => {
  it("are an agent's own with one server: nobody else can name them", async () => {
    const sessions = new Sessions();
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
    const sessions = new Sessions();
    const ids = Array.from({ length: 50 }, () => sessions.open(OF, 1).id);
    assert.equal(new Set(ids).size, 50);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('end once', async () => {
    const sessions = new Sessions();
    const session = sessions.open(OF, 1);
    assert.deepEqual([sessions.close(session), sessions.close(session)], [true, false]);
    await refusal('sessionUnknown', () => sessions.get(session.id, 'claude', 's', 2));
    assert.deepEqual(sessions.all(), []);
  });

  it('are limited for each server by itself', async () => {
    const sessions = new Sessions();
    const opened = Array.from({ length: 64 }, () => sessions.open(OF, 1));
    const error = await refusal('sessionLimit', () => sessions.open(OF, 1));
    assert.deepEqual(error.details, { server: 's', limit: 64 });
    sessions.open({ ...OF, server: 't' }, 1);
    const [first] = opened;
    assert.ok(first);
    sessions.close(first);
    sessions.open(OF, 1);
    assert.equal(sessions.of('s').length, 64);
    assert.equal(sessions.all().length, 65);
  });
});
