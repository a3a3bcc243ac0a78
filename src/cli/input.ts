import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { SecretsError } from '../shared/errors';
import { refuseIfOpen } from '../shared/privacy';
import { storeFailure } from '../shared/storeFailure';
import { LEAST_PASSPHRASE_BYTES } from '../vault/passphrase';
import { MAX_VALUE_BYTES } from '../vault/secret';

/** What is pasted comes in pieces. So long after one of them, in ms, no other is on its way. */
const PASTE_MS = 100;

/** A terminal, or what is in its place. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * The value of a secret: the bytes of standard input without one last line break, or what is typed at a hidden prompt.
 * The caller overwrites it. @throws SecretsError `valueTooLarge`, `usage` if the prompt is left with Ctrl-C, or gets several lines.
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

/**
 * One line. Nothing that is typed is shown: the terminal is in raw mode and readline writes nowhere.
 * @throws SecretsError `usage` with one of the `refusals`.
 */
async function prompt(what: string, refusals: Refusals, { stdin, stderr }: Terminal): Promise<Buffer> {
  const lines = createInterface({ input: stdin, terminal: true, historySize: 0 });
  // Only now: from here on nothing that is typed is shown.
  stderr.write(`${what} (not shown): `);
  try {
    const [line, ...more] = await linesAtOnce(lines, stdin);
    if (line === undefined) throw new SecretsError('usage', { problem: refusals.none });
    if (more.length === 0) return Buffer.from(line);
    throw new SecretsError('usage', { problem: `A prompt takes one line, and more came. Nothing was changed. ${refusals.several}` });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}

/**
 * A line, and what is pasted along with it, to its end: what is not read here, a shell would take for commands. Nothing if
 * the prompt is left.
 */
function linesAtOnce(lines: Interface, stdin: NodeJS.ReadStream): Promise<string[]> {
  return new Promise((resolve) => {
    const given: string[] = [];
    let quiet: NodeJS.Timeout | undefined;
    const end = (all: string[]): void => {
      clearTimeout(quiet);
      stdin.off('data', pieceCame);
      resolve(all);
    };
    const pieceCame = (): void => {
      clearTimeout(quiet);
      if (given.length > 0) quiet = setTimeout(() => end(lines.line === '' ? given : [...given, lines.line]), PASTE_MS);
    };
    lines.on('line', (line) => given.push(line));
    lines.once('SIGINT', () => end([]));
    lines.once('close', () => end(given));
    // After readline, which listens for longer, has taken the piece.
    stdin.on('data', pieceCame);
  });
}
