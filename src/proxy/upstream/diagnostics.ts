import type { Logger } from '../../shared/logger';
import type { Redactor } from '../interceptors/redactor';

/** A line longer than this is logged in pieces. */
const MAX_LINE = 16_384;

/**
 * Brings a child's standard error into the log, line by line, without the values of its secrets.
 * @returns takes pieces of text, cut anywhere; `flush` logs an unfinished last line.
 */
export function diagnosticsLog(
  server: string,
  redactor: () => Redactor,
  logger: Pick<Logger, 'info'>,
): { write: (text: string) => void; flush: () => void } {
  let rest = '';
  const log = (line: string): void => {
    if (line.trim() !== '') logger.info(`[${server}] ${redactor().text(line)}`);
  };
  return {
    write: (text) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? '';
      lines.forEach(log);
      const { reach } = redactor();
      if (rest.length <= MAX_LINE + reach) return;
      // Cut only what has been cleaned, and keep back what may be the beginning of a value.
      const clean = redactor().text(rest);
      const keep = Math.min(clean.length, reach);
      log(clean.slice(0, clean.length - keep));
      rest = clean.slice(clean.length - keep);
    },
    flush: () => {
      log(rest);
      rest = '';
    },
  };
}
