import { createInterface } from 'node:readline';
import { SecretsError } from '../shared/errors';
import { MAX_VALUE_BYTES } from '../vault/vault';

/**
 * The value of a secret: the bytes of standard input without one last line break, or what is typed at a hidden prompt.
 * The caller overwrites it. @throws SecretsError `valueTooLarge`, `usage` if the prompt is left with Ctrl-C.
 */
export async function readValue(name: string, stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream): Promise<Buffer> {
  return stdin.isTTY ? prompt(name, stdin, stderr) : readAll(name, stdin);
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
  const end = all.at(-1) !== 10 ? all.length : all.at(-2) === 13 ? all.length - 2 : all.length - 1;
  return all.subarray(0, end);
}

/** Nothing that is typed is shown: the terminal is in raw mode and readline writes nowhere. */
async function prompt(name: string, stdin: NodeJS.ReadStream, stderr: NodeJS.WriteStream): Promise<Buffer> {
  const lines = createInterface({ input: stdin, terminal: true, historySize: 0 });
  // Only now: from here on nothing that is typed is shown.
  stderr.write(`Value of ${name} (not shown): `);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      lines.once('line', (line) => {
        resolve(Buffer.from(line));
      });
      lines.once('SIGINT', () => {
        reject(new SecretsError('usage', { problem: 'No value was given.' }));
      });
      lines.once('close', () => {
        reject(new SecretsError('usage', { problem: 'No value was given.' }));
      });
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
