import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { readPassphrase, readValue } from '../../../src/cli/input';
import { lineEditor } from '../../../src/cli/lineEditor';
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

/** Keys without those for markers, also with the escape character that the line editor had got before. */
function text(keys: string): string {
  return keys.replaceAll(/\u001b?\0/g, '');
}

/** What is known after all pieces, and what the line editor has made of their keys: its lines, and the one that is not over. */
async function edited(...pieces: string[]): Promise<{ known: Omit<TakenPiece, 'keys'>; lines: string[] }> {
  const input = new PassThrough();
  const editor = lineEditor(input);
  const lines: string[] = [];
  editor.on('line', (line) => lines.push(line));
  let known = NOTHING_PASTED;
  for (const piece of pieces) {
    const { keys, ...after } = takePiece(known, piece);
    known = after;
    input.write(keys);
  }
  await nextTurn();
  lines.push(editor.line);
  editor.close();
  return { known, lines };
}

/** The pieces that a text makes which is cut before these of its characters. */
function cut(whole: string, ends: readonly number[]): string[] {
  const characters = Array.from(whole);
  const places = [...new Set(ends.map((end) => end % characters.length))].filter((end) => end > 0).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => characters.slice(from, places[i]).join(''));
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

  it('gives the same lines wherever pieces end, and what is pasted is whole whatever was typed before it', async () => {
    const part = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom('\u001b', '[', 'O', '\u001b[', '\u001b[2', '2', '0', ';', '~', '\u001b[D', '\u001bb') },
      { weight: 2, arbitrary: fc.constantFrom('a', 'é', '😀', ' ', '\t', '\u007f', '\u0015', '\r', '\n', '\0') },
      { weight: 1, arbitrary: fc.constantFrom(START, END, `${START}b\r\nc${END}`, `${START}\u0004\u001b[H${END}`) },
    );
    const ends = fc.array(fc.nat(), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.array(part, { maxLength: 5 }), ends, async (before, after, places) => {
        const whole = `${before.join('')}${START}value${END}${after.join('')}`;
        const all = await edited(`${whole}\r`);
        assert.deepEqual(await edited(...cut(`${whole}\r`, places)), all);
        const pasted = await edited(...cut(`${before.join('')}${START}value`, places));
        assert.ok(pasted.lines.at(-1)?.includes('value'), JSON.stringify(pasted.lines));
      }),
      { numRuns: 1_000 },
    );
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
    assert.equal(await given('ae\u001b[D', `${START} valu${END}\r`), 'a value');
    assert.equal(await given(`ae\u001b[D${START} valu${END}\r`), 'a value');
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

  it('takes a paste for what it is after an escape sequence that was begun', async () => {
    for (const typed of ['\u001b\u001b', '\u001b[', '\u001bO']) {
      assert.equal(await given(`${typed}${START}value${END}\r`), 'value');
      assert.equal(await given(typed, 20, `${START}value${END}\r`), 'value');
    }
    // Escape, and a marker that is cut after its first character.
    for (const pause of [20, 700]) assert.equal(await given('\u001b\u001b', pause, `${START.slice(1)}value${END}\r`), 'value');
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
    const { stdin, stderr } = terminal(`${START}correct horse`, 200, `${END}\r`);
    // Not after some time: the first prompt would take for its own what comes while it is open.
    (stderr as unknown as PassThrough).on('data', (shown: Buffer) => {
      if (shown.includes('The same again')) (stdin as unknown as PassThrough).write(`${START}correct horse${END}\r`);
    });
    assert.equal((await readPassphrase(undefined, 'Passphrase', true, { stdin, stderr })).toString(), 'correct horse');
  });

  const NAMES = ['SIGINT', 'SIGTERM', 'exit'] as const;
  const listeners = (): number[] => NAMES.map((name) => process.listenerCount(name));

  it('leaves no listeners behind', async () => {
    const before = listeners();
    await given('value\r');
    await refused(/No value was given/, '\u0003');
    assert.deepEqual(listeners(), before);
  });

  it('leaves none either when its terminal is gone, before it or within', async () => {
    const before = listeners();
    for (const gone of [true, false]) {
      const { stdin, stderr } = terminal('value\r');
      stdin.setRawMode = (on) => {
        if (on === gone) throw new Error('setRawMode EIO');
        return stdin;
      };
      await assert.rejects(readValue('K', stdin, stderr), /setRawMode EIO/);
      assert.deepEqual(listeners(), before);
    }
  });
});
