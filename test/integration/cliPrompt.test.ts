import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { cliPath } from './support/programs';
import { Workplace } from './support/workplace';

describe('the hidden prompt on a terminal', function () {
  this.timeout(60_000);
  const place = new Workplace();

  before(function () {
    // `script` of util-linux makes a terminal; that of macOS takes other arguments.
    if (process.platform !== 'linux') this.skip();
  });

  after(() => place.close());

  /** Runs `secret set` on a terminal, types when asked, and returns everything that the terminal showed. */
  function onTerminal(name: string, typed: string): Promise<{ shown: string; code: number | null }> {
    return typedInto(`'${process.execPath}' '${cliPath}' secret set ${name}`, typed);
  }

  async function typedInto(command: string, typed: string): Promise<{ shown: string; code: number | null }> {
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.workspace, env: { ...place.env, SHELL: '/bin/sh' } });
    let shown = '';
    // A command that has ended takes nothing any more: what it showed says why.
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await until('the prompt', () => shown.includes('(not shown): '));
    child.stdin.write(typed);
    const code = await closed;
    return { shown, code };
  }

  it('takes a line and shows nothing of it', async () => {
    const value = newPlainCanary();
    place.watch(value);
    const { shown, code } = await onTerminal('typed', `${value}\r`);
    assert.equal(code, 0, shown);
    assert.equal(shown, 'Value of TYPED (not shown): \r\nTYPED is set (version 1).\r\n');
    assert.equal(await place.ok(['secret', 'get', 'typed', '--reveal']), value);
  });

  it('takes what is pasted, with characters of other alphabets, and corrections', async () => {
    const { shown, code } = await onTerminal('pasted', 'pässwörd 😀!x\u007f\r');
    assert.equal(code, 0, shown);
    assert.ok(!shown.includes('swör'));
    assert.equal(await place.ok(['secret', 'get', 'pasted', '--reveal']), 'pässwörd 😀!');
  });

  it('an empty line is refused', async () => {
    const { shown, code } = await onTerminal('empty', '\r');
    assert.equal(code, 1);
    assert.match(shown, /The value of EMPTY is empty/);
  });

  describe('several lines that are pasted', () => {
    const lines = ['-----BEGIN PRIVATE KEY-----', 'echo one', ...Array<string>(400).fill('echo more of it'), '-----END PRIVATE KEY-----'];
    for (const [what, ending] of [
      ['with a line break at their end', '\r'],
      ['without', ''],
      ['with what looks like leaving', '\r\u0004'],
    ] as const) {
      it(`are refused, ${what}, and no shell gets them`, async () => {
        const command = `'${process.execPath}' '${cliPath}' secret set pem; code=$?; timeout 1 cat; exit $code`;
        const { shown, code } = await typedInto(command, lines.join('\r') + ending);
        assert.equal(code, 2, shown);
        assert.match(shown, /A prompt takes one line, and more came\. Nothing was changed\. .*"mcp-secrets secret set PEM < FILE"/);
        assert.doesNotMatch(shown, /echo|PRIVATE/);
        assert.doesNotMatch(await place.ok(['secret', 'list']), /PEM/);
      });
    }

    it('are no passphrase, either', async () => {
      await place.ok(['secret', 'set', 'any'], 'any');
      const key = readFileSync(place.keyFile, 'utf8');
      const { shown, code } = await typedInto(`'${process.execPath}' '${cliPath}' key protect`, 'first line of it\rsecond\r');
      assert.equal(code, 2, shown);
      assert.match(
        shown,
        /A prompt takes one line, and more came\. Nothing was changed\. A passphrase of several lines can only be read from a file/,
      );
      assert.equal(readFileSync(place.keyFile, 'utf8'), key);
    });
  });

  it('a line that ends as on Windows is one line', async () => {
    const { shown, code } = await onTerminal('windows', 'typed there\r\n');
    assert.equal(code, 0, shown);
    assert.equal(await place.ok(['secret', 'get', 'windows', '--reveal']), 'typed there');
  });

  it('Ctrl-C and Ctrl-D leave it', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { shown, code } = await onTerminal('left', `half${key === '\u0004' ? '\u0015' : ''}${key}`);
      assert.equal(code, 2, shown);
      assert.match(shown, /No value was given/);
    }
    assert.doesNotMatch(await place.ok(['secret', 'list']), /LEFT/);
  });
});
