import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ScriptedUpstream } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import type { Serving } from './support/serving';
import { textOf } from './support/scripted';
import { Workplace } from './support/workplace';

/** One line of a part. The secrets of these tests have one version. */
interface StoredLine {
  name: string;
  versions: [{ version: number; sealed: string }];
}

describe('a vault that does not open', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const token = newPlainCanary();
  let upstream: ScriptedUpstream;
  let serving: Serving;
  let vaultText: string;
  let keyText: string;
  let partFile: string;
  let partText: string;

  before(async () => {
    upstream = await ScriptedUpstream.start();
    await place.secret('TOKEN', token);
    await place.secret('OTHER', newPlainCanary());
    await place.addHttp('one', upstream.url, 'TOKEN=bearer');
    vaultText = readFileSync(place.vaultFile, 'utf8');
    keyText = readFileSync(place.keyFile, 'utf8');
    findPart();
  });

  /** The one part of a small vault. */
  function findPart(): void {
    const name = /^parts ([a-z0-9]+)\n/.exec(vaultText)?.[1] ?? '';
    partFile = join(place.stateFolder, 'vault.parts', name);
    partText = readFileSync(partFile, 'utf8');
  }

  beforeEach(async () => {
    upstream.reset();
    // The key is kept in memory once it was needed: each test has a proxy that has not seen it.
    serving = await place.serve();
  });

  afterEach(async () => {
    await serving.stop();
    writeFileSync(place.vaultFile, vaultText);
    writeFileSync(partFile, partText, { mode: 0o600 });
    // Else the vault would rightly be refused as an older one.
    rmSync(join(dirname(place.keyFile), 'generations'), { recursive: true, force: true });
    rmSync(place.keyFile, { force: true });
    writeFileSync(place.keyFile, keyText, { mode: 0o600 });
  });

  after(async () => {
    // All is as it was.
    assert.equal((await place.cli(['secret', 'get', 'TOKEN', '--reveal'])).stdout, token);
    await place.close();
    await upstream.stop();
  });

  /** A call through the proxy, and one of the command line, fail for the same reason; nothing goes out and nothing is changed. */
  async function assertFails(kind: string, message: RegExp): Promise<void> {
    // What was read before it was changed is right, and stays in use.
    await serving.stop();
    serving = await place.serve();
    const stored = readFileSync(place.vaultFile, 'utf8');
    const agent = new Agent(serving, 'one');
    const answer = await agent.initialize();
    agent.close();
    const { error } = answer.messages[0] ?? {};
    assert.deepEqual([error?.code, error?.data?.kind], [-32000, kind], answer.body);
    assert.match(error?.message ?? '', message);
    const got = await place.cli(['secret', 'get', 'TOKEN', '--reveal']);
    assert.deepEqual([got.code, got.stdout], [1, '']);
    assert.equal(got.stderr, `mcp-secrets: ${error?.message ?? ''}\n`);
    assert.equal(upstream.received.length, 0, 'nothing went out');
    assert.equal(readFileSync(place.vaultFile, 'utf8'), stored, 'the vault was left as it was');
  }

  /** Changes the one line of the vault's part that holds a secret, as somebody with access to the disk would. */
  function change(name: string, make: (secret: StoredLine) => void): void {
    const lines = partText.split('\n').map((line, i) => {
      if (i === 0 || line === '') return line;
      const secret = JSON.parse(line) as StoredLine;
      if (secret.name === name) make(secret);
      return JSON.stringify(secret);
    });
    writeFileSync(partFile, lines.join('\n'));
  }

  /** The one stored version of a secret. */
  function stored(name: string): { version: number; sealed: string } {
    const line = partText.split('\n').find((text, i) => i > 0 && text !== '' && (JSON.parse(text) as StoredLine).name === name);
    const version = (JSON.parse(line ?? '') as StoredLine).versions.at(-1);
    assert.ok(version !== undefined);
    return version;
  }

  it('tampered ciphertext: that secret does not open, the other one does', async () => {
    change('TOKEN', ({ versions: [version] }) => {
      const bytes = Buffer.from(version.sealed, 'base64');
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      version.sealed = bytes.toString('base64');
    });
    await assertFails(
      'secretUnreadable',
      /The secret TOKEN cannot be opened: its ciphertext was changed.*left as it is\. Set it again to use it\./,
    );
    assert.equal((await place.cli(['secret', 'get', 'OTHER', '--reveal'])).code, 0);
    await place.ok(['secret', 'list']);
  });

  it('the ciphertext of another secret in its place', async () => {
    change('TOKEN', ({ versions: [version] }) => {
      version.sealed = stored('OTHER').sealed;
    });
    await assertFails('secretUnreadable', /TOKEN/);
  });

  it('another version number', async () => {
    change('TOKEN', ({ versions: [version] }) => {
      version.version = 7;
    });
    await assertFails('secretUnreadable', /TOKEN/);
  });

  it('a value that is set again works again', async () => {
    change('TOKEN', ({ versions: [version] }) => {
      version.sealed = stored('OTHER').sealed;
    });
    await place.secret('TOKEN', token);
    const agent = new Agent(serving, 'one');
    await agent.initialize();
    assert.equal(textOf(await agent.tool('do')), 'done');
    agent.close();
  });

  it('a document of a newer format', async () => {
    writeFileSync(place.vaultFile, vaultText.replace('"format":2', '"format":3'));
    await assertFails('vaultNewer', /has format 3; this version knows formats up to 2\. Update MCP Secrets\. Nothing was changed\./);
    const { code, stderr } = await place.cli(['secret', 'set', 'NEW'], { input: 'x' });
    assert.deepEqual([code, stderr.includes('format 3')], [1, true]);
  });

  it('a document that is none', async () => {
    for (const text of ['', '{', '[]', '{"format":1}', vaultText.replace('"generation":', '"generations":')]) {
      writeFileSync(place.vaultFile, text);
      await assertFails(
        'vaultDamaged',
        /The stored vault cannot be read \(.*\)\. It was left as it is\. Go back to the state before .*vault recover/,
      );
    }
  });

  it('a head that was changed by hand', async () => {
    writeFileSync(
      place.vaultFile,
      vaultText.replace('"lock":"open","formerAudit"', '"lock":"open", "formerAudit"').replace(/"generation":(\d+)/, '"generation":9$1'),
    );
    await assertFails('vaultAltered', /was changed from outside \(its head\)\. Nothing was deleted\. .*vault recover/);
  });

  it('an earlier state of all of it', async () => {
    const parts = readdirSync(join(place.stateFolder, 'vault.parts')).map((name) => join(place.stateFolder, 'vault.parts', name));
    const texts = parts.map((path) => readFileSync(path, 'utf8'));
    for (const name of ['NEW', 'NEWER']) await place.secret(name, 'something new');
    writeFileSync(place.vaultFile, vaultText);
    for (const [i, path] of parts.entries()) writeFileSync(path, texts[i] ?? '', { mode: 0o600 });
    await assertFails('vaultOlder', /is an older one \(generation \d+; \d+ was the last\).*Nothing was changed.*vault recover/);
    assert.match(await place.ok(['vault', 'recover']), /2 secrets can be used/);
    assert.equal((await place.cli(['secret', 'get', 'TOKEN', '--reveal'])).stdout, token);
    vaultText = readFileSync(place.vaultFile, 'utf8');
    findPart();
  });

  it('the key file is gone: no new key is made', async () => {
    rmSync(place.keyFile);
    await assertFails('keyLost', /The key of this vault is gone.*vault fresh --yes.*restore a backup/);
    const { code, stderr } = await place.cli(['secret', 'set', 'NEW'], { input: 'x' });
    assert.deepEqual([code, stderr.includes('key of this vault is gone')], [1, true]);
    assert.throws(() => statSync(place.keyFile), /ENOENT/);
    await place.ok(['secret', 'list']);
  });

  it('another key in its place', async () => {
    writeFileSync(place.keyFile, `${Buffer.alloc(32, 7).toString('base64')}\n`);
    await assertFails('keyLost', /The key of this vault is gone/);
  });

  it('a key file that others may read', async () => {
    chmodSync(place.keyFile, 0o644);
    await assertFails('tooOpen', /key can be read or written by others \(mode 0644\), so it is not used\. Run "chmod 600 .*\/key"/);
  });

  it('a key file with wrong content', async () => {
    for (const text of ['', 'hello', keyText.slice(0, 20), `${keyText.trim()}x`]) {
      writeFileSync(place.keyFile, text, { mode: 0o600 });
      await assertFails('keyInvalid', /does not hold 32 bytes as base64/);
    }
  });

  it('a lost key that comes back opens everything again', async () => {
    renameSync(place.keyFile, `${place.keyFile}.away`);
    const agent = new Agent(serving, 'one');
    assert.equal((await agent.initialize()).messages[0]?.error?.data?.kind, 'keyLost');
    renameSync(`${place.keyFile}.away`, place.keyFile);
    await agent.initialize();
    assert.equal(textOf(await agent.tool('do')), 'done');
    agent.close();
  });
});

describe('a value that cannot be sent', function () {
  this.timeout(60_000);
  const place = new Workplace();
  let upstream: ScriptedUpstream;

  before(async () => {
    upstream = await ScriptedUpstream.start();
  });

  after(async () => {
    assert.ok(!JSON.stringify(upstream.received).includes('X-Evil'));
    await place.close();
    await upstream.stop();
  });

  const broken: Record<string, string | Buffer> = {
    CR: 'a\rX-Evil: 1',
    LF: 'a\nX-Evil: 1',
    CRLF: 'a\r\nX-Evil: 1',
    NUL: 'a\0b',
    'not UTF-8': Buffer.from([0x61, 0xff]),
  };

  for (const [what, value] of Object.entries(broken)) {
    it(`${what} in a header: refused when it is bound, by "server add" and "server approve"`, async () => {
      await place.ok(['secret', 'set', 'ODD'], value);
      for (const mode of ['header', 'bearer']) {
        const { code, stderr } = await place.cli(['server', 'add', 'odd', '--url', upstream.url, '--secret', `ODD=${mode}`]);
        assert.equal(code, 1);
        assert.match(
          stderr,
          new RegExp(
            `^mcp-secrets: The secret ODD cannot be sent to server "odd" as ${mode}: it .*\\. Set another value or choose another mode\\.\n$`,
          ),
        );
      }
      assert.doesNotMatch(await place.ok(['server', 'list']), /odd/, 'nothing was written');
      await place.servers({ odd: { url: upstream.url, secrets: { ODD: 'bearer' } } });
      assert.equal((await place.cli(['server', 'approve', 'odd'])).code, 1);
      await place.servers({});
    });
  }

  it('CR and LF in a header: refused at the call when the value came later', async () => {
    await place.ok(['secret', 'set', 'LATER'], 'fine');
    await place.addHttp('later', upstream.url, 'LATER=header');
    const agent = new Agent(await place.serve(), 'later');
    await agent.initialize();
    await agent.tool('do');
    for (const value of ['a\rX-Evil: 1', 'a\nX-Evil: 1', 'a\r\nX-Evil: 1']) {
      await place.ok(['secret', 'set', 'LATER'], value);
      const before = upstream.received.length;
      const { messages } = await agent.tool('do');
      assert.equal(messages[0]?.error?.data?.kind, 'secretUnsendable');
      assert.match(messages[0].error.message, /The secret LATER cannot be sent to server "later" as header: it contains a line break/);
      assert.equal(upstream.received.length, before);
    }
    await place.ok(['secret', 'set', 'LATER'], 'fine');
    agent.close();
  });

  it('a value with line breaks goes well in a body', async () => {
    await place.ok(['secret', 'set', 'KEY'], '-----BEGIN-----\nx\n-----END-----\n');
    await place.addHttp('body', upstream.url, 'KEY=body');
    const agent = new Agent(await place.serve(), 'body');
    await agent.initialize();
    await agent.tool('do');
    const meta = upstream.last('tools/call').message?.params?._meta;
    assert.deepEqual(meta, { 'mcp-secrets/secrets': { KEY: '-----BEGIN-----\nx\n-----END-----' } });
    agent.close();
  });
});
