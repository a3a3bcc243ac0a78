import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/folders';
import { entry, FixedKeys, openLog } from '../support/trails';

describe('the head of the audit trail', () => {
  const folder = temporaryFolder();

  it('that a process which died had half written is gone after the next entry', async () => {
    const path = join(folder(), 'audit.jsonl');
    writeFileSync(join(folder(), 'audit.head.0123456789ab.tmp'), '{');
    const log = openLog(path, { keys: new FixedKeys(1) });
    log.record(entry('one'));
    await log.close();
    assert.deepEqual(readdirSync(folder()).sort(), ['audit.head', 'audit.jsonl']);
  });
});
