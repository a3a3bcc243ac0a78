import { reasonOf, SecretsError } from '../shared/errors';
import { visible, visibleLines } from '../shared/visible';

/**
 * From here on nobody who stops reading ends this process: what it does, and that this is recorded, must not depend on that.
 * `print` says what becomes of standard output; of standard error there is nobody to tell.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/**
 * Writes to standard output, and waits until that is done. Bytes stay as they are, and so does text, unless it is a terminal that
 * would obey it: there it is shown as `visibleLines` does.
 * @returns whether somebody reads on: who has gone has read enough. @throws SecretsError `outputFailed`, as on a full disk.
 */
export async function print(output: string | Buffer): Promise<boolean> {
  if (output.length === 0) return true;
  const shown = typeof output === 'string' && process.stdout.isTTY ? visibleLines(output) : output;
  const error = await new Promise<Error | null | undefined>((resolve) => process.stdout.write(shown, resolve));
  if (error === undefined || error === null) return true;
  if (GONE.has(reasonOf(error))) return false;
  throw new SecretsError('outputFailed', { reason: reasonOf(error) });
}

/** Writes a line for people to standard error. It can quote anybody: nothing in it speaks to the terminal, or makes a second line. */
export function tell(message: string): void {
  process.stderr.write(`${visible(message)}\n`);
}

/** How a pipe and a socket say that their other end is gone. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);
