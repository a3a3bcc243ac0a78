import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTo, json, ScriptedUpstream, textResult } from '../fixtures/scriptedUpstream';
import { Agent } from './support/agent';
import { newPlainCanary } from './support/canaries';
import { until } from './support/eventually';
import { cliPath } from './support/programs';
import { scripted } from './support/scripted';
import { onTerminal } from './support/terminal';
import type { Shown } from './support/terminal';
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

describe('a prompt on a terminal that marks what is pasted', function () {
  this.timeout(60_000);
  const place = new Workplace();
  const cli = `'${process.execPath}' '${cliPath}'`;
  const ON = '\u001b[?2004h';
  const OFF = '\u001b[?2004l';
  const START = '\u001b[200~';
  const END = '\u001b[201~';

  before(function () {
    // `script` of util-linux makes a terminal; that of macOS takes other arguments.
    if (process.platform !== 'linux') this.skip();
  });

  after(() => place.close());

  /** Runs a command line on a terminal; when it asks, types the pieces, with pauses in ms between. @param act what else is done when it asks. */
  async function typedInto(command: string, steps: readonly (string | number)[], act?: (shown: string) => void): Promise<Shown> {
    const env = { ...place.env, SHELL: '/bin/sh', TERM: 'xterm-256color' };
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.workspace, env });
    let shown = '';
    // A command that has ended takes nothing any more: what it showed says why.
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await until('the prompt', () => shown.includes('(not shown): '));
    act?.(shown);
    for (const step of steps) {
      if (typeof step === 'number') await sleep(step);
      else child.stdin.write(step);
    }
    const code = await closed;
    return { shown, code };
  }

  /** `secret set`, and after it what a shell would get, and whether the terminal shows again what is typed. */
  const thenShell = (name: string): string =>
    `${cli} secret set ${name}; code=$?; timeout 1 cat; stty -a | tr ' ;' '\\n\\n' | grep -x -e -*echo; exit $code`;

  it('takes the whole of several lines, whatever their pauses, and no shell gets any', async () => {
    const pieces = [
      `${START}-----BEGIN PRIVATE KEY-----\r`,
      500,
      'echo one\r\recho two\r',
      500,
      `-----END PRIVATE KEY-----\r${END.slice(0, 3)}`,
      500,
      END.slice(3),
    ];
    const { shown, code } = await typedInto(thenShell('pem'), pieces);
    assert.equal(code, 2, shown);
    assert.match(shown, /A prompt takes one line, and more came\. Nothing was changed\. .*"mcp-secrets secret set PEM < FILE"/);
    assert.doesNotMatch(shown, /echo (one|two)|PRIVATE/);
    assert.ok(shown.startsWith(`${ON}Value of PEM (not shown): ${OFF}\r\n`) && shown.endsWith('\r\necho\r\n'), JSON.stringify(shown));
    assert.doesNotMatch(await place.ok(['secret', 'list']), /PEM/);
  });

  it('takes one line, with Enter after it', async () => {
    const value = newPlainCanary();
    place.watch(value);
    const { shown, code } = await typedInto(`${cli} secret set line`, [START + value.slice(0, 5), 500, value.slice(5) + END, 200, '\r']);
    assert.deepEqual([code, shown], [0, `${ON}Value of LINE (not shown): ${OFF}\r\nLINE is set (version 1).\r\n`]);
    assert.equal(await place.ok(['secret', 'get', 'line', '--reveal']), value);
  });

  it('takes one line with a line break at its end', async () => {
    const { shown, code } = await typedInto(`${cli} secret set broken`, [`${START}pasted with it`, 500, '\r', 500, END]);
    assert.equal(code, 0, shown);
    assert.equal(await place.ok(['secret', 'get', 'broken', '--reveal']), 'pasted with it');
  });

  it('takes no control characters that are pasted', async () => {
    for (const pasted of ['a\u001b[Db', `a${END}b`, 'a\u001ab', 'a\u0004\rb']) {
      const { shown, code } = await typedInto(thenShell('control'), [START, 200, pasted, 20, END, '\r']);
      assert.equal(code, 2, shown);
      assert.match(shown, /What was pasted has control characters in it\. Nothing was changed|A prompt takes one line/);
    }
    assert.doesNotMatch(await place.ok(['secret', 'list']), /CONTROL/);
  });

  it('leaves the terminal as it was: with Ctrl-C, also within a paste that does not end, and Ctrl-D', async () => {
    for (const steps of [['half\u0003'], ['\u0004'], [`${START}one\r`, 300, 'two\r', 300, '\u0003']]) {
      const { shown, code } = await typedInto(thenShell('left'), steps);
      assert.deepEqual([code, shown.split(OFF).length], [2, 2], JSON.stringify(shown));
      assert.match(shown, /No value was given/);
      assert.ok(shown.endsWith('\r\necho\r\n'), JSON.stringify(shown));
    }
  });

  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    it(`leaves the terminal as it was: with ${signal}, which ends the process`, async () => {
      const command = `sh -c "echo pid \\$\\$.; exec ${cli} secret set left"; code=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e -*echo; exit $code`;
      const { shown, code } = await typedInto(command, [], (text) => process.kill(Number(/pid (\d+)\./.exec(text)?.[1]), signal));
      assert.equal(code, 128 + number, JSON.stringify(shown));
      assert.ok(shown.includes(`${ON}Value of LEFT (not shown): ${OFF}\r\n`) && shown.endsWith('\r\necho\r\n'), JSON.stringify(shown));
    });
  }

  it('is not suspended: a shell would get the rest', async () => {
    // Only what has a shell that waits for it can be suspended.
    const { shown } = await typedInto(`set -m; ${cli} secret set stayed; true`, ['\u001a', 200, 'typed\r']);
    assert.match(shown, /STAYED is set/);
  });

  it('asks only a terminal to mark pastes', async () => {
    for (const command of [`${cli} secret set aside 2>&1 | cat`, `TERM=dumb ${cli} secret set aside`]) {
      const { shown, code } = await typedInto(command, ['typed\r']);
      assert.deepEqual([code, shown.startsWith('Value of ASIDE (not shown): \r\n')], [0, true], JSON.stringify(shown));
    }
  });
});
