import { readFileSync, statSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { SecretsError } from '../shared/errors';
import { refuseIfOpen } from '../shared/privacy';
import { storeFailure } from '../shared/storeFailure';
import { LEAST_PASSPHRASE_BYTES } from '../vault/passphrase';
import { MAX_VALUE_BYTES } from '../vault/secret';
import { lineEditor } from './lineEditor';
import { markPastes, NOTHING_PASTED, takePiece } from './pastes';

/** What is pasted comes in pieces. So long after one of them, in ms, no other is on its way, as far as a terminal does not say it. */
const PASTE_MS = 100;

/** A terminal, or what is in its place. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * The value of a secret: the bytes of standard input without one last line break, or what is typed at a hidden prompt.
 * The caller overwrites it. @throws SecretsError `valueTooLarge`, `usage` if the prompt is left with Ctrl-C, or gets several lines
 * or control characters.
 */
export async function readValue(name: string, stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream): Promise<Buffer> {
  if (!stdin.isTTY) return readAll(name, stdin);
  const several = `To give several lines, read them from a file: "mcp-secrets secret set ${name} < FILE".`;
  return prompt(`Value of ${name}`, { none: 'No value was given.', several }, { stdin, stderr });
}

/**
 * A passphrase: from a file without its last line break, or typed at a hidden prompt, twice if it is a new one.
 * Never from an argument or the environment, where others see it. The caller overwrites it.
 * @param file a file of this user alone, or `/dev/fd/N`. @param what what the prompt asks for.
 * @throws SecretsError `passphraseNeeded` without file and terminal, `tooOpen`, `storeFailed`, `usage`.
 */
export async function readPassphrase(file: string | undefined, what: string, isNew: boolean, terminal: Terminal): Promise<Buffer> {
  if (file === undefined && !terminal.stdin.isTTY) throw new SecretsError('passphraseNeeded', {});
  const passphrase = file === undefined ? await prompt(what, OF_PASSPHRASE, terminal) : readSecretFile(file);
  if (passphrase.length === 0) throw new SecretsError('usage', { problem: OF_PASSPHRASE.none });
  if (!isNew) return passphrase;
  if (passphrase.length < LEAST_PASSPHRASE_BYTES) {
    passphrase.fill(0);
    throw new SecretsError('usage', { problem: `A passphrase needs ${String(LEAST_PASSPHRASE_BYTES)} characters at least.` });
  }
  if (file === undefined) await refuseUnlessAgain(passphrase, terminal);
  return passphrase;
}

async function refuseUnlessAgain(passphrase: Buffer, terminal: Terminal): Promise<void> {
  const again = await prompt('The same again', OF_PASSPHRASE, terminal);
  const same = again.equals(passphrase);
  again.fill(0);
  if (same) return;
  passphrase.fill(0);
  throw new SecretsError('usage', { problem: 'The two passphrases differ. Nothing was changed.' });
}

function readSecretFile(path: string): Buffer {
  try {
    const stats = statSync(path);
    // A pipe, as a shell makes it for `/dev/fd/N`, has a reader already.
    if (stats.isFile()) refuseIfOpen(path, stats);
    return withoutLineBreak(readFileSync(path));
  } catch (error) {
    throw storeFailure(path, error);
  }
}

async function readAll(name: string, stdin: NodeJS.ReadStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Two bytes more may be the line break that does not count.
    if (size > MAX_VALUE_BYTES + 2) throw new SecretsError('valueTooLarge', { name, bytes: size, limit: MAX_VALUE_BYTES });
    chunks.push(chunk);
  }
  const all = Buffer.concat(chunks);
  for (const chunk of chunks) chunk.fill(0);
  return withoutLineBreak(all);
}

/** The same memory without one line break at its end. */
function withoutLineBreak(bytes: Buffer): Buffer {
  const end = bytes.at(-1) !== 10 ? bytes.length : bytes.at(-2) === 13 ? bytes.length - 2 : bytes.length - 1;
  return bytes.subarray(0, end);
}

/** What is said when a prompt gets nothing, and what there is to do when it gets several lines. */
interface Refusals {
  readonly none: string;
  readonly several: string;
}

const OF_PASSPHRASE: Refusals = {
  none: 'No passphrase was given.',
  several: 'A passphrase of several lines can only be read from a file.',
};

/** What came of a prompt. */
interface Given {
  /** None if the prompt was left. */
  readonly lines: readonly string[];
  /** Whether something was pasted that is not text. */
  readonly foul: boolean;
}

/** What ends a process that does not listen. Not SIGHUP: with it the terminal is gone, and there is nothing to wait for. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Signals wait from now until the release: one that ended the process before would leave the terminal as it is within a prompt.
 * @returns `came` is aborted by the first. `release` hands on what came: it ends the process, unless others listen.
 */
function holdSignals(): { readonly came: AbortSignal; release(): void } {
  const coming = new AbortController();
  let first: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    first ??= signal;
    coming.abort();
  };
  for (const signal of SIGNALS) process.on(signal, hold);
  return {
    came: coming.signal,
    release: () => {
      for (const signal of SIGNALS) process.off(signal, hold);
      if (first !== undefined) process.kill(process.pid, first);
    },
  };
}

/** One line. @throws SecretsError `usage` with one of the `refusals`, or about control characters. */
async function prompt(what: string, refusals: Refusals, { stdin, stderr }: Terminal): Promise<Buffer> {
  const { lines, foul } = await ask(`${what} (not shown): `, { stdin, stderr });
  const [line, ...more] = lines;
  if (line === undefined) throw new SecretsError('usage', { problem: refusals.none });
  if (more.length > 0)
    throw new SecretsError('usage', { problem: `A prompt takes one line, and more came. Nothing was changed. ${refusals.several}` });
  if (foul) throw new SecretsError('usage', { problem: 'What was pasted has control characters in it. Nothing was changed.' });
  return Buffer.from(line);
}

/** Asks, and holds signals meanwhile. @throws what the terminal fails with. */
async function ask(question: string, terminal: Terminal): Promise<Given> {
  const signals = holdSignals();
  try {
    return await askHidden(question, terminal, signals.came);
  } finally {
    // Also where the terminal is gone, and has no mode to set: nothing else would end this process.
    signals.release();
  }
}

/**
 * Nothing that is typed is shown: the terminal is in raw mode and readline writes nowhere. Then the terminal is as it was.
 * @param leave leaves the prompt. @throws what the terminal fails with.
 */
async function askHidden(question: string, { stdin, stderr }: Terminal, leave: AbortSignal): Promise<Given> {
  stdin.setRawMode(true);
  // Never on while the terminal shows what is typed: it would show the markers.
  const unmark = markPastes(stderr, process.env);
  // Only now: from here on nothing that is typed is shown.
  stderr.write(question);
  try {
    return await linesAtOnce(stdin, leave);
  } finally {
    unmark();
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}

/**
 * A line, and what is pasted along with it, to its end: what is not read here, a shell would take for commands. A paste that is
 * marked ends with its marker, however long its pieces are on their way; where none is marked, with a moment of silence.
 * @param leave leaves the prompt. @throws what reading fails with.
 */
function linesAtOnce(stdin: NodeJS.ReadStream, leave: AbortSignal): Promise<Given> {
  return new Promise((resolve, reject) => {
    const keys = new PassThrough();
    const editor = lineEditor(keys);
    const decoder = new StringDecoder('utf8');
    const came: string[] = [];
    let pasting = NOTHING_PASTED;
    let quiet: NodeJS.Timeout | undefined;
    let waiting: NodeJS.Immediate | undefined;

    const waitNoMore = (): void => {
      clearTimeout(quiet);
      clearImmediate(waiting);
    };
    const release = (): void => {
      waitNoMore();
      stdin.off('data', pieceCame).off('end', inputEnded).off('error', failed).pause();
      editor.close();
    };
    const end = (lines: readonly string[]): void => {
      // Before the release, which closes the editor.
      resolve({ lines, foul: pasting.foul });
      release();
    };
    const quietCame = (): void => {
      // What came while the process stood still is read first.
      waiting = setImmediate(decide);
    };
    const decide = (): void => {
      if (pasting.left) end([]);
      else if (!pasting.open && came.length > 0) end(editor.line === '' ? came : [...came, editor.line]);
    };
    const pieceCame = (piece: Buffer): void => {
      const { keys: typed, ...after } = takePiece(pasting, decoder.write(piece));
      pasting = after;
      keys.write(typed);
      waitNoMore();
      quiet = setTimeout(quietCame, PASTE_MS);
    };
    const inputEnded = (): void => void keys.end();
    const failed = (error: Error): void => {
      reject(error);
      release();
    };

    editor.on('line', (line) => came.push(line));
    editor.once('SIGINT', () => end([]));
    // Readline would stop the process, and the shell would get the rest.
    editor.on('SIGTSTP', () => undefined);
    // The end of the input is not that of a paste.
    editor.once('close', () => end(pasting.open ? [] : came));
    leave.addEventListener('abort', () => end([]));
    stdin.on('data', pieceCame).on('end', inputEnded).on('error', failed).resume();
  });
}
