import type { IncomingHttpHeaders } from 'node:http';

/** A POST that came in one piece. */
export interface WholeRequest {
  readonly method: 'POST';
  readonly url: string;
  /** By name in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The largest head of a request, in bytes; as `maxHeaderSize` of `node:http`. */
const MAX_HEAD = 16 * 1024;
const END = Buffer.from('\r\n\r\n');

/** RFC 9112, 3: the path may hold what is visible in ASCII. */
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1$/;
/** RFC 9112, 5, without what is there for old software only: folded lines, bytes that are not ASCII. */
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~]*)$/;
/** Those that change how the rest is to be read, or what is to be answered. */
const SPECIAL: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'expect',
  'upgrade',
  'trailer',
  'te',
  'proxy-connection',
  'http2-settings',
]);

/**
 * Reads what nearly every agent sends nearly always: one POST, head and body, in one piece, and nothing after it. Anything that
 * is unusual in any way, or wrong, is `undefined`: that is for `node:http` to read, or to refuse.
 */
export function wholeRequest(bytes: Buffer): WholeRequest | undefined {
  // Not even the P of POST: nothing needs to be looked for.
  if (bytes[0] !== 0x50) return undefined;
  const end = bytes.indexOf(END);
  if (end < 0 || end > MAX_HEAD) return undefined;
  const lines = bytes.toString('latin1', 0, end).split('\r\n');
  const url = REQUEST_LINE.exec(lines[0] ?? '')?.[1];
  const headers = url === undefined ? undefined : fieldsIn(lines);
  if (url === undefined || headers === undefined) return undefined;
  const length = headers['content-length'];
  const body = bytes.subarray(end + END.length);
  if (length === undefined || !/^\d{1,9}$/.test(length) || Number(length) !== body.length) return undefined;
  return { method: 'POST', url, headers, body };
}

/** The fields after the first line; `undefined` if one is there twice, or special. */
function fieldsIn(lines: readonly string[]): IncomingHttpHeaders | undefined {
  const headers: Record<string, string> = {};
  for (let i = 1; i < lines.length; i += 1) {
    const [, field, value] = FIELD.exec(lines[i] ?? '') ?? [];
    if (field === undefined || value === undefined) return undefined;
    const name = field.toLowerCase();
    if (name in headers || SPECIAL.has(name)) return undefined;
    headers[name] = value.trimEnd();
  }
  const { host, connection = 'keep-alive' } = headers;
  return host === undefined || connection.toLowerCase() !== 'keep-alive' ? undefined : headers;
}
