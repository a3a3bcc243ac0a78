import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formerPath } from '../../../src/audit/former';
import { verifyTrail } from '../../../src/audit/verify';
import { temporaryFolder } from '../support/folders';
import { FixedKeys, writeTrail } from '../support/trails';

const OLD = '{"time":"2026-01-01T00:00:00.000Z","actor":"cli","action":"secret.set","secrets":["K"],"outcome":"ok"}\n';

describe('the record of version 0.1', () => {
  const folder = temporaryFolder();

  it('is put aside as it is, and the chain begins beside it', async () => {
    const path = join(folder(), 'former', 'audit.jsonl');
    mkdirSync(dirname(path), { mode: 0o700 });
    writeFileSync(path, OLD + OLD, { mode: 0o600 });
    await writeTrail(path, [['one'], ['two']]);
    assert.equal(readFileSync(formerPath(path), 'utf8'), OLD + OLD);
    assert.equal((await verifyTrail(path, new FixedKeys(1))).ok, true);
  });

  it('is nothing that a line without number in a trail with a head could pass for', async () => {
    const path = join(folder(), 'mixed', 'audit.jsonl');
    await writeTrail(path, [['one'], ['two']]);
    writeFileSync(path, OLD + readFileSync(path, 'utf8'));
    await writeTrail(path, [['three']]);
    assert.throws(() => readFileSync(formerPath(path)), /ENOENT/);
    assert.equal((await verifyTrail(path, new FixedKeys(1))).ok, false);
  });
});
