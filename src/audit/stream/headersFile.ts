import { readFileSync, statSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { reasonOf, SecretsError } from '../../shared/errors';

/** What makes a request mean something else is not for a file to say. */
const OURS: readonly string[] = ['host', 'content-length', 'content-type', 'transfer-encoding', 'connection'];

/**
 * The headers in a file: one `Name: value` a line, empty lines and lines that begin with `#` apart. The values are
 * credentials: they are in no error. @throws SecretsError `tooOpen` if others may read or write the file, `streamInvalid`
 * if it cannot be read or a line is no header.
 */
export function readHeaders(path: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, line] of readLines(path).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    if (colon < 0 || OURS.includes(name) || !isHeader(name, value)) throw invalid(path, `line ${String(index + 1)} is no header to send`);
    headers[name] = value;
  }
  return headers;
}

function readLines(path: string): string[] {
  try {
    const mode = statSync(path).mode & 0o777;
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new SecretsError('tooOpen', { path, mode: mode.toString(8).padStart(4, '0'), fix: `chmod 600 ${path}` });
    return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch (error) {
    throw error instanceof SecretsError ? error : invalid(path, `it cannot be read: ${reasonOf(error)}`);
  }
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function invalid(path: string, why: string): SecretsError {
  return new SecretsError('streamInvalid', { kind: 'otlp', why: `the headers file ${path} cannot be used (${why})` });
}
