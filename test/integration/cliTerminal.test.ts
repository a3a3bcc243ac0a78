import assert from 'node:assert/strict';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { until } from './support/eventually';
import { cliPath } from './support/programs';
import { scripted } from './support/scripted';
import { onTerminal } from './support/terminal';
import { Workplace } from './support/workplace';

/** Goes to the start of the line, clears it and writes another one; then a second line. */
const SPOOF = '\r\u001b[2Kevil  approved\u009b0m\nsecond';
const SHOWN = '\\u000d\\u001b[2Kevil  approved\\u009b0m\\u000asecond';

describe('what others say, on the terminal of the command line', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const cli = `'${process.execPath}' '${cliPath}'`;

  afterEach(() => place.servers({}));
  after(() => place.close());

  /** Nothing but plain lines. */
  function assertPlain(text: string): void {
    assert.doesNotMatch(text, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  }

  it('server list: the servers file of a repository has one row for each server, one line for each problem', async () => {
    await place.servers({
      evil: { command: 'node', args: [SPOOF, '\u202e'] },
      wrong: { url: 'https://a.example/', [SPOOF]: 1 },
      [SPOOF]: { url: 'https://a.example/' },
    });
    const shown = await place.ok(['server', 'list']);
    assertPlain(shown);
    assert.equal(shown.split('\n').length, 5, shown);
    assert.match(shown, /^evil {2}stdio {2}not approved {2}- +node /m);
    assert.ok(shown.includes(SHOWN));
  });

  it('errors are one plain line, whatever they quote', async () => {
    await place.servers({ wrong: { url: 'https://a.example/', [SPOOF]: 1 } });
    for (const args of [
      ['server', 'approve', 'wrong'],
      ['server', 'approve', SPOOF],
      ['agent', 'add', SPOOF],
      ['call', 'wrong', 'do'],
      [SPOOF],
    ]) {
      const { stderr, stdout } = await place.cli(args);
      assertPlain(stderr);
      assert.deepEqual([stderr.split('\n').length, stdout], [2, ''], stderr);
      assert.ok(stderr.includes(SHOWN), stderr);
    }
  });

  it('the results of a call are plain on a terminal, and byte for byte elsewhere', async function () {
    const upstream = await ScriptedUpstream.start();
    try {
      upstream.script = ({ message }, response) =>
        message?.method === 'tools/call' && json(response, answerTo(message, textResult(`${SPOOF}\r\n\tthird`)));
      await place.servers({ web: { url: upstream.url } }, 'web');
      assert.equal(await place.ok(['call', 'web', 'do']), `${SPOOF}\r\n\tthird\n`);
      assert.match(await place.ok(['call', 'web', 'do', '--json']), /\u009b/);
      // `script` of util-linux makes a terminal; that of macOS takes other arguments.
      if (process.platform !== 'linux') return;
      const { shown, code } = await onTerminal(place, `${cli} call web do`, []);
      assert.equal(code, 0, shown);
      assert.equal(shown.replaceAll('\r', ''), `${SHOWN.replace('\\u000a', '\n')}\n\tthird\n`);
      assert.doesNotMatch((await onTerminal(place, `${cli} call web do --json`, [])).shown, /\u009b/);
    } finally {
      await upstream.stop();
    }
  });

  it('what servers write on their standard error is plain in the log of serve', async () => {
    await place.servers({ loud: { command: '/bin/sh', args: ['-c', 'printf "$0\\n" >&2; exec "$@"', SPOOF, ...scripted()] } }, 'loud');
    const serving = await place.serve();
    await new Agent(serving, 'loud').initialize();
    await until('the line', () => serving.logs.includes('second'));
    assertPlain(serving.logs);
    assert.match(serving.logs, /^\[loud\] .*\\u001b\[2Kevil/m);
  });
});
