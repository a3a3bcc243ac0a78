import assert from 'node:assert/strict';
import { Refusals } from '../../../../src/proxy/front/refusals';
import { SecretsError } from '../../../../src/shared/errors';
import { FixedClock, RecordingAudit } from '../../support/memory';

function error(kind: 'tokenWrong' | 'tokenMissing' | 'originRefused' | 'hostRefused' | 'notFound'): SecretsError {
  return new SecretsError(kind, {});
}

describe('the record of refused requests', () => {
  it('has each of a few, and nothing of other reasons', () => {
    const audit = new RecordingAudit();
    const refusals = new Refusals(audit, new FixedClock());
    refusals.note(error('tokenWrong'));
    refusals.note(error('originRefused'));
    refusals.note(error('notFound'));
    refusals.note(new SecretsError('serverUnknown', { server: 's', known: [] }));
    assert.deepEqual(audit.entries, [
      { actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind: 'tokenWrong' },
      { actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind: 'originRefused' },
    ]);
  });

  it('counts a flood, and loses none of it', () => {
    const audit = new RecordingAudit();
    const clock = new FixedClock();
    const refusals = new Refusals(audit, clock);
    for (let i = 0; i < 50_000; i += 1) refusals.note(error(i % 5 === 0 ? 'hostRefused' : 'tokenWrong'));
    assert.equal(audit.entries.length, 20);
    clock.time += 60_000;
    refusals.note(error('tokenMissing'));
    refusals.flush();
    assert.equal(audit.entries.length, 23);
    const total = audit.entries.reduce((sum, { count = 1 }) => sum + count, 0);
    assert.equal(total, 50_001);
    const kinds = audit.entries.slice(20).map(({ errorKind, count }) => [errorKind, count]);
    assert.deepEqual(kinds, [
      ['hostRefused', 9_996],
      ['tokenWrong', 39_984],
      ['tokenMissing', undefined],
    ]);
  });

  it('names the agent of an expired token', () => {
    const audit = new RecordingAudit();
    new Refusals(audit, new FixedClock()).note(new SecretsError('tokenExpired', { agent: 'a', at: 1 }));
    assert.deepEqual(audit.entries, [
      { actor: 'agent', action: 'agent.refuse', agent: 'a', outcome: 'refused', errorKind: 'tokenExpired' },
    ]);
  });
});
