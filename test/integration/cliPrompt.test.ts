import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
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
  async function onTerminal(name: string, typed: string): Promise<{ shown: string; code: number | null }> {
    const command = `'${process.execPath}' '${cliPath}' secret set ${name}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.workspace, env: { ...place.env, SHELL: '/bin/sh' } });
    let shown = '';
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

  it('Ctrl-C and Ctrl-D leave it', async () => {
    for (const key of ['\u0003', '\u0004']) {
      const { shown, code } = await onTerminal('left', `half${key === '\u0004' ? '\u0015' : ''}${key}`);
      assert.equal(code, 2, shown);
      assert.match(shown, /No value was given/);
    }
    assert.doesNotMatch(await place.ok(['secret', 'list']), /LEFT/);
  });
});
