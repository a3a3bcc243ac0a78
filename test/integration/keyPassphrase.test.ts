import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { cliPath } from './support/programs';
import { Workplace } from './support/workplace';

describe('a key under a passphrase', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const value = newPlainCanary();
  const first = newPlainCanary();
  const second = newPlainCanary();
  // Outside of the workplace, in which neither may be found.
  const files = new Workplace();
  const inFile = (name: string, text: string): string => {
    const path = join(files.temp, name);
    writeFileSync(path, `${text}\n`, { mode: 0o600 });
    return path;
  };
  const PASSPHRASE = 'MCP_SECRETS_PASSPHRASE_FILE';
  const reveal = ['secret', 'get', 'TOKEN', '--reveal'];
  let keyText = '';

  before(async () => {
    await place.secret('TOKEN', value);
    keyText = readFileSync(place.keyFile, 'utf8');
    for (const passphrase of [first, second]) place.watch(passphrase);
  });
  after(async () => {
    await place.close();
    await files.close();
  });

  it('is not needed until it is set, and then by every command that opens something', async () => {
    const file = inFile('first', first);
    assert.equal(await place.ok(['key', 'unprotect']), `${place.keyFile} has no passphrase.\n`);
    const { code, stdout } = await place.cli(['key', 'protect'], { env: { [PASSPHRASE]: file } });
    assert.deepEqual([code, stdout], [0, `${place.keyFile} is protected by a passphrase. Without it the secrets are lost.\n`]);
    assert.ok(!readFileSync(place.keyFile, 'utf8').includes(keyText.slice(0, 16)));
    for (const [args, input] of [
      [reveal, ''],
      [['secret', 'set', 'OTHER'], 'x'],
      [['key', 'unprotect'], ''],
      [['key', 'protect'], ''],
    ] as const) {
      const refused = await place.cli(args, { input });
      assert.deepEqual([refused.code, refused.stdout], [1, ''], args.join(' '));
      assert.match(refused.stderr, /^mcp-secrets: The key of this vault is protected by a passphrase\..*MCP_SECRETS_PASSPHRASE_FILE\.\n$/);
    }
    assert.match(await place.ok(['secret', 'list']), /TOKEN/, 'names need no key');
    assert.equal((await place.cli(reveal, { env: { [PASSPHRASE]: file } })).stdout, value);
  });

  it('opens with that one only, from a file that nobody else can read', async () => {
    const wrong = await place.cli(reveal, { env: { [PASSPHRASE]: inFile('wrong', 'not it at all') } });
    assert.deepEqual([wrong.code, wrong.stderr], [1, 'mcp-secrets: The passphrase is not right. Nothing was changed. Try again.\n']);
    const file = inFile('open', first);
    chmodSync(file, 0o644);
    const open = await place.cli(reveal, { env: { [PASSPHRASE]: file } });
    assert.equal(open.code, 1);
    assert.match(open.stderr, /can be read or written by others \(mode 0644\).*chmod 600/);
    const inEnvironment = await place.cli(reveal, { env: { MCP_SECRETS_PASSPHRASE: first } });
    assert.equal(inEnvironment.code, 1, 'the environment is not a place for it');
  });

  it('that is to be set, without a terminal, is asked for by the variable that is read', async () => {
    const replaced = await place.cli(['key', 'protect'], { env: { [PASSPHRASE]: inFile('first', first) } });
    assert.equal(replaced.code, 2);
    assert.match(
      replaced.stderr,
      /no terminal to ask for the new passphrase: name a file that holds it in MCP_SECRETS_NEW_PASSPHRASE_FILE\./,
    );
    const fresh = new Workplace();
    try {
      await fresh.secret('TOKEN', value);
      const { code, stderr } = await fresh.cli(['key', 'protect'], { env: { [PASSPHRASE]: '' } });
      assert.equal(code, 2);
      assert.match(stderr, /no terminal to ask for the passphrase: name a file that holds it in MCP_SECRETS_PASSPHRASE_FILE\./);
    } finally {
      await fresh.close();
    }
  });

  it('is taken through a pipe, as a shell makes it', async () => {
    const child = spawn('bash', ['-c', `${PASSPHRASE}=<(cat) exec "$0" "$@"`, process.execPath, cliPath, ...reveal], {
      cwd: place.workspace,
      env: place.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stdin.end(`${first}\n`);
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(out, value);
  });

  it('is replaced, and removed', async () => {
    const [old, next] = [inFile('first', first), inFile('second', second)];
    const env = { [PASSPHRASE]: old, MCP_SECRETS_NEW_PASSPHRASE_FILE: next };
    assert.match((await place.cli(['key', 'protect'], { env })).stdout, /is protected by the new passphrase/);
    assert.equal((await place.cli(reveal, { env: { [PASSPHRASE]: old } })).code, 1);
    assert.equal((await place.cli(reveal, { env: { [PASSPHRASE]: next } })).stdout, value);
    assert.equal((await place.cli(['key', 'unprotect'], { env: { [PASSPHRASE]: next } })).code, 0);
    assert.equal(await place.ok(reveal), value);
    const actions = place.auditEntries().map(({ action }) => action);
    assert.deepEqual(
      actions.filter((action) => action.startsWith('key.')),
      ['key.protect', 'key.protect', 'key.unprotect'],
    );
  });

  it('is not set when it is too short', async () => {
    const { code, stderr } = await place.cli(['key', 'protect'], { env: { [PASSPHRASE]: inFile('short', 'seven77') } });
    assert.deepEqual([code, stderr.includes('8 characters at least')], [2, true]);
    assert.equal(await place.ok(reveal), value);
  });

  describe('on a terminal', () => {
    before(function () {
      if (process.platform !== 'linux') this.skip();
    });

    /** Runs the command line on a terminal, types each line when the prompt comes, returns everything that was shown. */
    async function onTerminal(args: string, ...typed: string[]): Promise<{ shown: string; code: number | null }> {
      const command = `'${process.execPath}' '${cliPath}' ${args}`;
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.workspace, env: { ...place.env, SHELL: '/bin/sh' } });
      let shown = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
      const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
      for (const [index, line] of typed.entries()) {
        await until(`prompt ${String(index + 1)}`, () => shown.split('(not shown): ').length === index + 2);
        child.stdin.write(`${line}\r`);
      }
      return { code: await closed, shown };
    }

    it('is typed twice when it is set, once when it is used, and never shown', async () => {
      const differing = await onTerminal('key protect', first, second);
      assert.deepEqual([differing.code, differing.shown.includes('The two passphrases differ. Nothing was changed.')], [2, true]);
      assert.equal(await place.ok(reveal), value);
      const set = await onTerminal('key protect', first, first);
      assert.match(set.shown, /^New passphrase \(not shown\): \r\nThe same again \(not shown\): \r\n.* is protected by a passphrase/);
      const used = await onTerminal(reveal.join(' '), first);
      assert.equal(used.shown, `Passphrase of the key (not shown): \r\n${value}`);
      const replaced = await onTerminal('key protect', first, second, second);
      assert.equal(replaced.code, 0, replaced.shown);
      const removed = await onTerminal('key unprotect', second);
      assert.equal(removed.code, 0, removed.shown);
      for (const { shown } of [differing, set, used, replaced, removed]) assert.ok(!shown.includes(first) && !shown.includes(second));
      assert.equal(await place.ok(reveal), value);
    });
  });
});
