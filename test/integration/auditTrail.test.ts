import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { cliPath, startNode } from './support/programs';
import type { Finished } from './support/programs';
import { Workplace } from './support/workplace';

interface Line {
  readonly seq: number;
  readonly action: string;
  readonly server?: string;
}

describe('mcp-secrets audit', function () {
  this.timeout(60_000);
  let place: Workplace;
  let trail: string;

  beforeEach(async () => {
    place = new Workplace();
    // Before there is a vault there is no key: the first entry is without.
    await place.addHttp('web', 'http://127.0.0.1:9/', 'TOKEN=bearer');
    await place.secret('TOKEN', newPlainCanary());
    await place.addHttp('other', 'http://127.0.0.1:9/');
    trail = join(place.stateFolder, 'audit.jsonl');
  });

  afterEach(() => place.close());

  const linesOf = (text: string): Line[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);

  function assertRefused({ code, stdout, stderr }: Finished, expectedCode: 1 | 2, message: RegExp): void {
    assert.deepEqual([code, stdout], [expectedCode, ''], stderr);
    assert.match(stderr, /^mcp-secrets: [^\n]+\n$/, 'one line');
    assert.match(stderr, message);
  }

  it('verify says that all is in order, across key rotation, until something is changed', async () => {
    assert.match(await place.ok(['audit', 'verify']), /^The audit trail is in order: \d+ entries, none missing or changed\./);
    await place.ok(['key', 'rotate']);
    await place.ok(['server', 'remove', 'other']);
    const report = JSON.parse(await place.ok(['audit', 'verify', '--json'])) as { ok: boolean; entries: number; uncheckable: number };
    assert.deepEqual([report.ok, report.entries, report.uncheckable], [true, place.auditEntries().length, 0]);
    const text = readFileSync(trail, 'utf8');
    writeFileSync(trail, text.replace('"server":"other"', '"server":"oyher"'));
    assertRefused(await place.cli(['audit', 'verify']), 1, /entry \d+ is not what was written: it was changed, or put in \(audit\.jsonl\)/);
    const { code, stdout } = await place.cli(['audit', 'verify', '--json']);
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as { problem: { kind: string } }).problem.kind, 'edited');
    writeFileSync(trail, `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n`);
    assertRefused(await place.cli(['audit', 'verify']), 1, /entry \d+ is missing, or .* \(audit\.head\)/);
  });

  it('verify of a workspace without entries', async () => {
    const empty = new Workplace();
    assert.equal(await empty.ok(['audit', 'verify']), 'The audit trail has no entries.\n');
    assert.equal(await empty.ok(['audit', 'tail']), 'No entries.\n');
    await empty.close();
  });

  it('tail shows the newest entries that fit, as lines for people or as they are', async () => {
    const all = linesOf(await place.ok(['audit', 'tail', '--json', '--limit', '100']));
    assert.deepEqual(
      all.map(({ seq }) => seq),
      all.map((_, index) => index + 1),
    );
    assert.equal(linesOf(await place.ok(['audit', 'tail', '--json', '--limit', '2'])).length, 2);
    const web = linesOf(await place.ok(['audit', 'tail', '--json', '--server', 'web', '--action', 'server.add']));
    assert.deepEqual(
      web.map(({ server, action }) => [server, action]),
      [['web', 'server.add']],
    );
    assert.match(
      await place.ok(['audit', 'tail', '--secret', 'token', '--action', 'secret.set']),
      /^\S+Z {2}ok +secret\.set +cli +TOKEN\S*\n$/,
    );
    assert.equal(await place.ok(['audit', 'tail', '--since', '2999-01-01']), 'No entries.\n');
    assert.notEqual(await place.ok(['audit', 'tail', '--since', '1h']), 'No entries.\n');
  });

  it('tail does not let names speak to the terminal', async () => {
    await place.ok(['server', 'remove', 'other']);
    const [line = ''] = readFileSync(trail, 'utf8').trimEnd().split('\n').slice(-1);
    appendFileSync(trail, `${line.replace('"other"', '"\\u001b[2Jx\\u202e"')}\n`);
    const shown = await place.ok(['audit', 'tail', '--limit', '1']);
    assert.ok(shown.includes('\\u001b[2Jx\\u202e'), shown);
  });

  it('tail --follow shows what other processes do, until it is stopped', async () => {
    const child = startNode(cliPath, ['audit', 'tail', '--follow', '--json', '--limit', '1'], place.env, place.workspace);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    await until('the newest entry', () => linesOf(out).length === 1);
    await place.ok(['server', 'remove', 'other']);
    await until('the new entry', () => linesOf(out).some(({ action }) => action === 'server.remove'));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    const seqs = linesOf(out).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => (seqs[0] ?? 0) + index),
    );
  });

  it('export writes a new file for this user alone, or to standard output', async () => {
    const before = readFileSync(trail, 'utf8');
    assert.equal(await place.ok(['audit', 'export', '--format', 'jsonl']), before);
    const file = join(place.root, 'export.csv');
    const count = linesOf(readFileSync(trail, 'utf8')).length;
    assert.equal(await place.ok(['audit', 'export', '--format', 'csv', '--output', file]), `${String(count)} entries are in ${file}.\n`);
    assert.equal(readFileSync(file, 'utf8').split('\r\n').length, count + 2);
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    assertRefused(await place.cli(['audit', 'export', '--format', 'cef', '--output', file]), 1, /export\.csv is there already/);
    assert.match(
      await place.ok(['audit', 'export', '--format', 'cef', '--server', 'web']),
      /^(CEF:0\|mcp-secrets\|MCP Secrets\|[^\n]+\n)+$/,
    );
    assert.deepEqual(place.auditEntries().filter(({ action }) => action === 'audit.export').length, 3);
  });

  it('refuses what makes no sense', async () => {
    for (const args of [
      ['export'],
      ['export', '--format', 'xml'],
      ['tail', '--outcome', 'fine'],
      ['tail', '--since', 'yesterday'],
      ['tail', '--limit', 'x'],
      ['verify', '--follow'],
      ['tail', 'more'],
    ])
      assertRefused(await place.cli(['audit', ...args]), 2, /See "mcp-secrets --help"/);
  });

  it('does not follow a link in the place of the trail', async function () {
    if (process.platform === 'win32') this.skip();
    const target = join(place.root, 'elsewhere');
    writeFileSync(target, 'mine');
    const linked = new Workplace();
    await linked.addHttp('web', 'http://127.0.0.1:9/');
    const path = join(linked.stateFolder, 'audit.jsonl');
    rmSync(path);
    symlinkSync(target, path);
    const { code, stderr } = await linked.cli(['server', 'remove', 'web']);
    assert.equal(code, 0, 'the record never keeps anybody from working');
    assert.match(stderr, /audit\.jsonl cannot be written \(ELOOP\)/);
    assertRefused(await linked.cli(['audit', 'verify']), 1, /audit\.jsonl could not be read or written \(ELOOP\)/);
    assert.equal(readFileSync(target, 'utf8'), 'mine');
    await linked.close();
  });
});
