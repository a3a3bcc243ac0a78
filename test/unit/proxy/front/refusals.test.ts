import assert from 'node:assert/strict';
import { Refusals } from '../../../../src/proxy/front/refusals';
import { FixedClock, RecordingAudit } from '../../support/memory';

describe('the record of refused requests', () => {
  it('has each of a few, and nothing of other reasons', () => {
    const audit = new RecordingAudit();
    const refusals = new Refusals(audit, new FixedClock());
    refusals.note('tokenWrong');
    refusals.note('originRefused');
    refusals.note('notFound');
    refusals.note('serverUnknown');
    assert.deepEqual(audit.entries, [
      { actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind: 'tokenWrong' },
      { actor: 'agent', action: 'agent.refuse', outcome: 'refused', errorKind: 'originRefused' },
    ]);
  });

  it('counts a flood, and loses none of it', () => {
    const audit = new RecordingAudit();
    const clock = new FixedClock();
    const refusals = new Refusals(audit, clock);
    for (let i = 0; i < 50_000; i += 1) refusals.note(i % 5 === 0 ? 'hostRefused' : 'tokenWrong');
    assert.equal(audit.entries.length, 20);
    clock.time += 60_000;
    refusals.note('tokenMissing');
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
});
