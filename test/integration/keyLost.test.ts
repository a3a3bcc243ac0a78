import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { newPlainCanary } from './support/canaries';
import { Workplace } from './support/workplace';

const FRESH = ['vault', 'fresh', '--yes'];
const FRESH_USER = ['vault', 'fresh', '--scope', 'user', '--yes'];

describe('a key file that is lost, on the command line', function () {
  this.timeout(60_000);
  let place: Workplace;
  // Outside of the workplace, in which no passphrase may be found.
  let files: Workplace;
  let passphraseFile: string;
  const value = newPlainCanary();

  beforeEach(async () => {
    place = new Workplace();
    files = new Workplace();
    passphraseFile = join(files.temp, 'passphrase');
    writeFileSync(passphraseFile, 'a long passphrase\n', { mode: 0o600 });
    await place.secret('TOKEN', value);
  });

  afterEach(async () => {
    await place.close();
    await files.close();
  });

  async function refused(args: readonly string[], message: RegExp, input = ''): Promise<void> {
    const { code, stdout, stderr } = await place.cli(args, { input });
    assert.deepEqual([code, stdout], [1, ''], `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
  }

  const reveal = (name: string, ...options: string[]): Promise<string> => place.ok(['secret', 'get', name, '--reveal', ...options]);
  const archives = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('vault.archived-'));
  const another = (): string => {
    const folder = join(place.root, 'another');
    mkdirSync(folder);
    return folder;
  };

  it('the way that the message tells goes on to a new vault and the secrets of a backup', async () => {
    const backup = join(place.temp, 'backup.age');
    const restore = ['backup', 'restore', backup, '--passphrase-file', passphraseFile];
    await place.ok(['backup', 'create', backup, '--passphrase-file', passphraseFile]);
    rmSync(place.keyFile);
    const lost =
      /The key of this vault is gone.*first move the vault aside.*"mcp-secrets vault fresh --yes", then restore a backup, or set/;
    await refused(['secret', 'get', 'TOKEN', '--reveal'], lost);
    await refused(['secret', 'set', 'NEW'], lost, 'x');
    await refused(restore, lost);
    assert.match(await place.ok(FRESH), /The vault was moved to .*vault\.archived-.*A new one begins with the next secret/);
    await place.ok(['secret', 'set', 'NEW'], 'something new');
    assert.match(await place.ok(restore), /TOKEN/);
    assert.deepEqual([await reveal('NEW'), await reveal('TOKEN')], ['something new', value]);
    assert.equal(archives(place.stateFolder).length, 1);
    await place.ok(['vault', 'check']);
  });

  it('a backup can be restored as the first thing, too', async () => {
    const backup = join(place.temp, 'backup.age');
    await place.ok(['backup', 'create', backup, '--passphrase-file', passphraseFile]);
    rmSync(place.keyFile);
    await place.ok(FRESH);
    await place.ok(['backup', 'restore', backup, '--passphrase-file', passphraseFile]);
    assert.equal(await reveal('TOKEN'), value);
  });

  it('no new one is made while other vaults need it: the message names them, and what it advises works', async () => {
    const own = basename(place.stateFolder);
    const other = another();
    await place.ok(['secret', 'set', 'KEY', '--workspace', other], 'elsewhere');
    await place.ok(['secret', 'set', 'SHARED', '--scope', 'user'], 'everywhere');
    const [theirs = ''] = readdirSync(join(place.state, 'workspaces')).filter((name) => name !== own);
    rmSync(place.keyFile);
    await place.ok(FRESH);
    await refused(['secret', 'set', 'NEW'], new RegExp(`${theirs}, [^,]*/user\\. Put the key file back`), 'x');
    assert.ok(!existsSync(place.keyFile));
    await refused(
      ['secret', 'get', 'SHARED', '--reveal', '--scope', 'user'],
      /of the scope "user" is gone.*"mcp-secrets vault fresh --scope user --yes"/,
    );
    await place.ok([...FRESH, '--workspace', other]);
    await refused(['secret', 'set', 'NEW'], /so no new one was made: [^,]*\/user\. Put/, 'x');
    await place.ok(FRESH_USER);
    await place.ok(['secret', 'set', 'NEW'], 'something new');
    await place.ok(['secret', 'set', 'SHARED', '--scope', 'user'], 'again');
    assert.deepEqual([await reveal('NEW'), await reveal('SHARED', '--scope', 'user')], ['something new', 'again']);
  });

  it('no new one is made, and when the old one is back, the other vaults open', async () => {
    const other = another();
    await place.ok(['secret', 'set', 'KEY', '--workspace', other], 'elsewhere');
    renameSync(place.keyFile, `${place.keyFile}.away`);
    await place.ok(FRESH);
    await refused(['secret', 'set', 'NEW'], /Put the key file back/, 'x');
    renameSync(`${place.keyFile}.away`, place.keyFile);
    await place.ok(['secret', 'set', 'NEW'], 'something new');
    assert.equal(await reveal('KEY', '--workspace', other), 'elsewhere');
  });

  it('a vault that opens is not moved aside', async () => {
    await place.ok(['secret', 'set', 'SHARED', '--scope', 'user'], 'everywhere');
    await refused(FRESH, /The vault can be opened.*"mcp-secrets vault destroy"/);
    await refused(FRESH_USER, /The vault of the scope "user" can be opened.*"mcp-secrets scope delete user"/);
    await place.ok(['lock']);
    await refused(FRESH, /The vault can be opened/);
    await place.ok(['unlock']);
    const { code, stderr } = await place.cli(['vault', 'fresh', '--scope', 'work', '--yes']);
    assert.deepEqual([code, stderr.includes('There are two vaults')], [2, true]);
    assert.deepEqual(archives(place.stateFolder), []);
    assert.equal(await reveal('TOKEN'), value);
  });

  it('a damaged vault of the scope user is recovered or moved aside by its own commands, and the other one is left alone', async () => {
    await place.ok(['secret', 'set', 'SHARED', '--scope', 'user'], 'one');
    await place.ok(['secret', 'set', 'SHARED', '--scope', 'user'], 'two');
    const head = join(place.state, 'user', 'vault.json');
    const own = readFileSync(place.vaultFile, 'utf8');
    const get = ['secret', 'get', 'SHARED', '--reveal', '--scope', 'user'];
    writeFileSync(head, 'damaged');
    await refused(get, /of the scope "user" cannot be read.*"mcp-secrets vault recover --scope user"/);
    await place.ok(['vault', 'recover', '--scope', 'user']);
    assert.equal(await place.ok(get), 'one');
    for (const path of [head, `${head}.previous`]) writeFileSync(path, 'damaged');
    await refused(
      ['vault', 'recover', '--scope', 'user'],
      /^mcp-secrets: Neither the stored vault of the scope "user" nor .*"mcp-secrets vault fresh --scope user --yes"/,
    );
    await place.ok(FRESH_USER);
    await refused(get, /"mcp-secrets secret set SHARED --scope user"/);
    assert.equal(archives(join(place.state, 'user')).length, 1);
    assert.equal(readFileSync(place.vaultFile, 'utf8'), own);
  });
});

describe('what is not there, on the command line', function () {
  this.timeout(60_000);
  const place = new Workplace();
  after(() => place.close());

  it('is advised for the scope that was asked', async () => {
    await place.ok(['secret', 'set', 'TOKEN', '--scope', 'work'], 'value');
    for (const [args, advice] of [
      [['secret', 'get', 'X', '--reveal'], /"mcp-secrets secret set X --scope work"/],
      [['secret', 'delete', 'X'], /"mcp-secrets secret set X --scope work"/],
      [['secret', 'versions', 'X'], /"mcp-secrets secret set X --scope work"/],
      [['secret', 'rollback', 'TOKEN', '--to', '7'], /"mcp-secrets secret versions TOKEN --scope work"/],
      [['secret', 'prune', 'TOKEN', '--number', '7'], /"mcp-secrets secret versions TOKEN --scope work"/],
    ] as const)
      assert.match((await place.cli([...args, '--scope', 'work'])).stderr, advice);
    assert.match((await place.cli(['secret', 'get', 'X', '--reveal'])).stderr, /"mcp-secrets secret set X"/);
  });
});
