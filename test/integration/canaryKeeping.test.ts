import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { findCanaries, findInProcesses, findMeanwhile, holds, newCanary, newPlainCanary } from './support/canaries';
import { freePort } from './support/freePort';
import type { Finished } from './support/programs';
import { Workplace } from './support/workplace';

/**
 * Everything that keeps secrets or tells of them, with values that stand out: while each command runs and after it, no file
 * below the workplace, no environment, no command line and no output holds one of them. What the user wrote down himself
 * (passphrases, the age identity) lies elsewhere.
 */
describe('canary values, in all that is kept and told', function () {
  this.timeout(240_000);
  const place = new Workplace();
  const other = new Workplace();
  const values: string[] = [];
  const outputs: string[] = [];
  const found = new Set<string>();
  let outside = '';
  let recipient = '';
  let env: Record<string, string> = {};

  before(async () => {
    outside = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-outside-')));
    const identity = await generateIdentity();
    recipient = await identityToRecipient(identity);
    values.push(identity);
    writeFileSync(join(outside, 'identity'), `${identity}\n`, { mode: 0o600 });
    // A receiver that is never there: what is meant for it stays in the spool.
    env = {
      MCP_SECRETS_OTLP: `http://127.0.0.1:${String(await freePort())}/v1/logs`,
      MCP_SECRETS_OTLP_HEADERS_FILE: written('headers', newPlainCanary(), (token) => `Authorization: Bearer ${token}\n`),
    };
  });

  after(async () => {
    await place.close();
    await other.close();
    rmSync(outside, { recursive: true, force: true });
  });

  /** A file outside that holds a canary. */
  function written(name: string, value: string, format = (text: string): string => `${text}\n`): string {
    const path = join(outside, name);
    values.push(value);
    writeFileSync(path, format(value), { mode: 0o600 });
    return path;
  }

  async function run(args: readonly string[], input = '', at = place): Promise<Finished> {
    const running = at.cli(args, { input, env });
    for (const where of await findMeanwhile(at.root, values, running)) found.add(`${where} during ${args.join(' ')}`);
    const finished = await running;
    outputs.push(finished.stdout, finished.stderr);
    return finished;
  }

  async function ok(args: readonly string[], input = '', at = place): Promise<string> {
    const { code, stdout, stderr } = await run(args, input, at);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async function set(name: string, ...options: string[]): Promise<void> {
    const value = newCanary();
    values.push(value);
    await ok(['secret', 'set', name, ...options], value);
  }

  function keyLines(): string[] {
    return readFileSync(place.keyFile, 'utf8').trim().split('\n');
  }

  it('are set, replaced, rolled back, pruned, deleted, in every scope', async () => {
    for (const scope of ['workspace', 'work', 'user']) {
      for (const name of ['TOKEN', 'TOKEN', 'TOKEN', 'GONE']) await set(name, '--scope', scope);
      await ok(['secret', 'rollback', 'TOKEN', '--scope', scope]);
      await ok(['secret', 'prune', 'TOKEN', '--number', '1', '--scope', scope]);
      await ok(['secret', 'delete', 'GONE', '--scope', scope]);
    }
    await ok(['server', 'add', 'web', '--url', 'http://127.0.0.1:9/', '--secret', 'TOKEN=body']);
    assert.equal((await run(['call', 'web', 'do'])).code, 1);
    assert.ok(existsSync(`${place.vaultFile}.previous`), 'there is a previous generation to be searched');
  });

  it('stay sealed while the key is replaced and put under a passphrase; the former keys are gone', async () => {
    const [first = ''] = keyLines();
    await ok(['key', 'rotate']);
    values.push(Buffer.from(first, 'base64').toString('latin1'), first);
    const [second = ''] = keyLines();
    assert.notEqual(second, first);
    env = { ...env, MCP_SECRETS_PASSPHRASE_FILE: written('key-passphrase', newPlainCanary()) };
    await ok(['key', 'protect']);
    values.push(second);
    await ok(['key', 'rotate']);
    await set('TOKEN');
    await ok(['vault', 'check']);
  });

  it('are in backups, and only who has the passphrase or the identity sees them there', async () => {
    const byPassphrase = join(place.root, 'by-passphrase.age');
    const byRecipient = join(place.root, 'by-recipient.age');
    const passphrase = written('backup-passphrase', newPlainCanary());
    await ok(['backup', 'create', byPassphrase, '--with-user', '--passphrase-file', passphrase]);
    await ok(['backup', 'create', byRecipient, '--with-user', '--recipient', recipient]);
    for (const args of [
      [byPassphrase, '--passphrase-file', passphrase, '--dry-run'],
      [byRecipient, '--identity', join(outside, 'identity'), '--servers'],
    ])
      await ok(['backup', 'restore', ...args], '', other);
    // They are really in there.
    const restored = await other.ok(['secret', 'get', 'TOKEN', '--scope', 'user', '--reveal']);
    assert.ok(values.includes(restored));
    assert.deepEqual(findCanaries(other.root, values), []);
  });

  it('are in no export and no spool', async () => {
    for (const format of ['jsonl', 'csv', 'cef']) {
      const path = join(place.root, `export.${format}`);
      await ok(['audit', 'export', '--format', format, '--output', path]);
      assert.match(readFileSync(path, 'utf8'), /TOKEN/, 'it tells of the secrets');
      outputs.push(await ok(['audit', 'export', '--format', format]));
    }
    outputs.push(await ok(['audit', 'tail', '--json', '--limit', '1000']), await ok(['audit', 'verify']));
    const spooled = readdirSync(join(place.state, 'spool'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const text = spooled.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('');
    assert.match(text, /TOKEN/, 'entries wait there');
  });

  it('are in no archived vault, nor anywhere after everything was locked', async () => {
    for (const command of ['lock', 'unlock', 'panic', 'unlock']) await ok([command]);
    rmSync(place.keyFile);
    assert.equal((await run(['secret', 'get', 'TOKEN', '--reveal'])).code, 1);
    await ok(['vault', 'fresh', '--yes']);
    const archives = readdirSync(place.stateFolder).filter((name) => name.startsWith('vault.archived-'));
    assert.equal(archives.length, 1);
  });

  it('were found nowhere, at any moment', () => {
    assert.deepEqual([...found], []);
    assert.deepEqual(findCanaries(place.root, values), []);
    assert.deepEqual(findCanaries(other.root, values), []);
    assert.deepEqual(findInProcesses(values), []);
    assert.ok(values.length > 18 && outputs.length > 40);
    for (const text of outputs) for (const value of values) assert.ok(!holds(text, value), text.slice(0, 2_000));
  });

  it('would have been found in a file that is there for a moment only', async () => {
    const value = newCanary();
    const path = join(place.temp, 'planted');
    const planting = (async (): Promise<void> => {
      writeFileSync(path, Buffer.from(`x${value}`).toString('base64'));
      await new Promise((resolve) => setTimeout(resolve, 300));
      rmSync(path);
    })();
    assert.deepEqual(await findMeanwhile(place.temp, [value], planting), [path]);
  });
});
