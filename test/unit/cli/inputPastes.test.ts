import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPassphrase, readValue } from '../../../src/cli/input';
import { markPastes, NOTHING_PASTED, takePiece } from '../../../src/cli/pastes';
import type { TakenPiece } from '../../../src/cli/pastes';
import { refusal } from '../support/errors';

const START = '\u001b[200~';
const END = '\u001b[201~';
const NOTHING: TakenPiece = { ...NOTHING_PASTED, keys: '' };

/** What is known after all pieces, with the keys of all. */
function taken(...pieces: string[]): TakenPiece {
  return pieces.reduce((before, piece) => {
    const after = takePiece(before, piece);
    return { ...after, keys: before.keys + after.keys };
  }, NOTHING);
}

/** Keys without the markers, also with the escape character that the line editor had got before. */
function text(keys: string): string {
  return keys.replaceAll(/\u001b?\u001b\[20[01]~/g, '');
}

describe('what a terminal sends', () => {
  it('that is typed goes on as it is', () => {
    for (const keys of ['abc\r', '\u0003', '\u0004', 'a\u007f\u0015', '\u001b[D', '\u001bb', '\u001b', '[200~'])
      assert.deepEqual(taken(keys), { ...NOTHING, keys, begun: keys === '\u001b' ? keys : '', told: keys === '\u001b' });
  });

  it('that may be a marker waits, but for a lone escape character', () => {
    assert.deepEqual(taken('a\u001b[2'), { ...NOTHING, keys: 'a', begun: '\u001b[2' });
    assert.deepEqual(taken('a\u001b', '', '[2'), { ...NOTHING, keys: 'a\u001b', begun: '\u001b[2', told: true });
    for (const pieces of [
      ['a\u001b[2', '~b'],
      ['a\u001b', '[2', '~b'],
      ['a\u001b', '[', '', '2~b'],
    ])
      assert.deepEqual(taken(...pieces), { ...NOTHING, keys: 'a\u001b[2~b' });
    assert.deepEqual(taken('\u001b', '\u001b', 'b'), { ...NOTHING, keys: '\u001b\u001bb' });
  });

  it('is the same wherever a piece ends', () => {
    for (const [whole, keys, foul] of [
      [`a${START}b\r\nc\td${END}e\r`, 'ab\r\nc\tde\r', false],
      [`${START}${END}${START}x${END}`, 'x', false],
      [`${START}a\u0003\u0004\u001ab${END}`, 'ab', true],
      [`${START}a\u001b[Hb${END}`, 'a[Hb', true],
      [`${START}a${START}b${END}`, 'ab', true],
      [`${START}a${END}b\r${END}`, 'ab\r', true],
      [`\u001b[D${START}a\u001b${END}`, '\u001b[Da', true],
      ['\u001b[20\r', '\u001b[20\r', false],
    ] as const) {
      const pieces = [[whole], whole.split(''), ...Array.from(whole, (_, at) => [whole.slice(0, at), whole.slice(at)])];
      for (const each of pieces) {
        const { keys: got, ...known } = taken(...each);
        assert.deepEqual([text(got), known], [keys, { ...NOTHING_PASTED, foul }], JSON.stringify(each));
      }
    }
  });

  it('may leave an open paste, if Ctrl-C comes last', () => {
    assert.equal(taken(START, 'a\u0003').left, true);
    assert.equal(taken(START, 'a\u0003', 'b').left, false);
    assert.equal(taken(`${START}a\u0003${END}`).left, false);
  });
});

describe('a terminal is asked to mark what is pasted', () => {
  function asked(isTTY: boolean, TERM: string | undefined): string {
    let written = '';
    const output = { isTTY, write: (part: string) => (written += part) !== '' } as unknown as NodeJS.WriteStream;
    const exits = process.listenerCount('exit');
    markPastes(output, TERM === undefined ? {} : { TERM })();
    assert.equal(process.listenerCount('exit'), exits);
    return written;
  }

  it('and asked to stop', () => assert.equal(asked(true, 'xterm'), '\u001b[?2004h\u001b[?2004l'));

  it('only if it is one, and knows escape sequences', () => {
    assert.equal(asked(false, 'xterm'), '');
    for (const term of [undefined, '', 'dumb']) assert.equal(asked(true, term), '');
  });
});

describe('a prompt', function () {
  this.slow(3000);

  /** A terminal that sends these pieces, with pauses in ms between. */
  function terminal(...steps: (string | number)[]): {
    stdin: NodeJS.ReadStream;
    stderr: NodeJS.WriteStream;
    sent: Promise<void>;
    raw: boolean[];
  } {
    const raw: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
    const send = async (): Promise<void> => {
      for (const step of steps) {
        if (typeof step === 'number') await sleep(step);
        else stdin.write(step);
      }
    };
    const stderr = new PassThrough().resume() as unknown as NodeJS.WriteStream;
    return { stdin: stdin as unknown as NodeJS.ReadStream, stderr, raw, sent: send() };
  }

  async function given(...steps: (string | number)[]): Promise<string> {
    const { stdin, stderr, raw, sent } = terminal(...steps);
    const value = readValue('K', stdin, stderr);
    const ended = value.then(
      () => true,
      () => true,
    );
    // Else what is sent after the end would be for a shell.
    assert.equal(await Promise.race([sent.then(() => false), ended]), false, 'The prompt ended too early.');
    await ended;
    assert.deepEqual(raw, [true, false]);
    assert.equal(stdin.isPaused(), true);
    return (await value).toString();
  }

  async function refused(said: RegExp, ...steps: (string | number)[]): Promise<void> {
    assert.match((await refusal('usage', () => given(...steps))).message, said);
  }

  it('takes a line that is pasted, and edited', async () => {
    assert.equal(await given(`${START}valu${END}`, 'x\u007fe\r'), 'value');
    assert.equal(await given(`${START}a value\r${END}`), 'a value');
    assert.equal(await given('a', `${START} \tvalue 😀`, 300, END, '\r'), 'a \tvalue 😀');
  });

  it('takes a line break that comes in two parts for one', async () => {
    assert.equal(await given(`${START}value\r`, 300, `\n${END}`), 'value');
  });

  it('waits for the end of a paste, however late its pieces come', async () => {
    await refused(
      /A prompt takes one line, and more came/,
      `${START}one\r`,
      300,
      'two\r',
      300,
      `three${END.slice(0, 1)}`,
      700,
      END.slice(1),
    );
    await refused(/A prompt takes one line, and more came/, `${START}\r`, 300, `two${END.slice(0, 4)}`, 300, END.slice(4));
  });

  it('is not left by keys that are pasted', async () => {
    await refused(/has control characters in it\. Nothing was changed/, `${START}\u0004`, 200, `a\u0003`, 20, `\u001ab${END}`, 200, '\r');
  });

  it('takes no escape sequences into a line', async () => {
    await refused(/has control characters in it/, `${START}abc\u001b[Hx${END}\r`);
    await refused(/has control characters in it/, `${START}abc${END}x${END}\r`);
    await refused(/has control characters in it/, `${START}ab${START}c${END}\r`);
    // So late that the line editor thinks that Escape was typed.
    assert.equal(await given('\u001b', 700, `${START.slice(1)}value${END}\r`), 'value');
    assert.equal(await given('\u001b', 20, `${START.slice(1)}value${END}\r`), 'value');
    assert.equal(await given('\u001b', 700, '[20', 20, `0~value${END}\r`), 'value');
    assert.equal(await given('\u001b[20', 700, `0~value${END}\r`), 'value');
  });

  it('is left with Ctrl-C when the end of a paste never comes', async () => {
    await refused(/No value was given/, `${START}one\r`, 200, '\r', 200, '\u0003');
  });

  it('ends with its terminal, and takes no part of a paste', async () => {
    const { stdin, stderr, sent } = terminal(`${START}one\rtwo`, 20);
    void sent.then(() => (stdin as unknown as PassThrough).end());
    assert.match((await refusal('usage', () => readValue('K', stdin, stderr))).message, /No value was given/);
    const broken = terminal(`${START}one\r`, 20);
    void broken.sent.then(() => broken.stdin.emit('error', new Error('read EIO')));
    await assert.rejects(readValue('K', broken.stdin, broken.stderr), /read EIO/);
    assert.deepEqual(broken.raw, [true, false]);
  });

  it('for a passphrase is the same, twice', async () => {
    const { stdin, stderr } = terminal(`${START}correct horse`, 200, `${END}\r`, 500, `${START}correct horse${END}\r`);
    assert.equal((await readPassphrase(undefined, 'Passphrase', true, { stdin, stderr })).toString(), 'correct horse');
  });

  it('leaves no listeners behind', async () => {
    const names = ['SIGINT', 'SIGTERM', 'exit'] as const;
    const count = (): number[] => names.map((name) => process.listenerCount(name));
    const before = count();
    await given('value\r');
    await refused(/No value was given/, '\u0003');
    assert.deepEqual(count(), before);
  });
});
