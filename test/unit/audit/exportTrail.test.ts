import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportTrail } from '../../../src/audit/exportTrail';
import { temporaryFolder } from '../support/folders';
import { linesOf, writeTrail } from '../support/trails';

describe('an export of the audit trail', () => {
  const folder = temporaryFolder();
  const path = (): string => join(folder(), 'audit.jsonl');

  before(() => writeTrail(path(), [['one', 'two'], ['three']]));

  it('as JSON lines is the trail as it is, for this user alone', async () => {
    const output = join(folder(), 'out.jsonl');
    writeFileSync(output, 'what was there', { mode: 0o644 });
    assert.equal(await exportTrail({ path: path(), format: 'jsonl', version: '1' }, output, 'replace'), 3);
    assert.deepEqual(readFileSync(output, 'utf8').split('\n').slice(0, -1), linesOf(path()));
    assert.equal(statSync(output).mode & 0o777, 0o600);
  });

  it('has a header as CSV, and only what fits', async () => {
    const output = join(folder(), 'out.csv');
    const filter = { where: ({ server }: { server?: string }) => server !== 'two' };
    assert.equal(await exportTrail({ path: path(), format: 'csv', version: '1', filter }, output, 'replace'), 2);
    const [header = '', ...rows] = readFileSync(output, 'utf8').split('\r\n').slice(0, -1);
    const column = header.split(',').indexOf('server');
    assert.deepEqual(
      rows.map((row) => row.split(',')[column]),
      ['one', 'three'],
    );
  });

  it('as CEF names the product', async () => {
    const output = join(folder(), 'out.cef');
    await exportTrail({ path: path(), format: 'cef', version: '1.2.3' }, output, 'replace');
    assert.match(readFileSync(output, 'utf8'), /^(CEF:0\|mcp-secrets\|MCP Secrets\|1\.2\.3\|call\|t\|.*\n){3}$/);
  });

  it('that cannot be written leaves nothing behind', async () => {
    const place = join(folder(), 'taken');
    mkdirSync(join(place, 'out.jsonl', 'full'), { recursive: true });
    await assert.rejects(exportTrail({ path: path(), format: 'jsonl', version: '1' }, join(place, 'out.jsonl'), 'replace'));
    assert.deepEqual(readdirSync(place), ['out.jsonl']);
  });

  it('refuses a file that is there, if asked to, and leaves it as it is', async () => {
    const output = join(folder(), 'theirs.jsonl');
    writeFileSync(output, 'theirs');
    await assert.rejects(exportTrail({ path: path(), format: 'jsonl', version: '1' }, output, 'refuse'), { code: 'EEXIST' });
    assert.equal(readFileSync(output, 'utf8'), 'theirs');
    const free = join(folder(), 'free.jsonl');
    assert.equal(await exportTrail({ path: path(), format: 'jsonl', version: '1' }, free, 'refuse'), 3);
  });
});
