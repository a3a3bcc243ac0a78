import type { IncomingHttpHeaders } from 'node:http';
import { fieldsIn, NOT_PLAIN } from '../httpFields';

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
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1(?:\r|$)/;
/** Those that change how the rest is to be read, or what is to be answered; and the one of which `node:http` makes a list. */
const SPECIAL: ReadonlySet<string> = new Set([
  'transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'proxy-connection', 'http2-settings', 'set-cookie',
]); // prettier-ignore

/**
 * Reads what nearly every agent sends nearly always: one POST, head and body, in one piece, and nothing after it. Anything that
 * is unusual in any way, or wrong, is `undefined`: that is for `node:http` to read, or to refuse.
 */
export function wholeRequest(bytes: Buffer): WholeRequest | undefined {
  // Not even the P of POST: nothing needs to be looked for.
  if (bytes[0] !== 0x50) return undefined;
  const end = bytes.indexOf(END);
  if (end < 0 || end > MAX_HEAD) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const [line = '', url] = REQUEST_LINE.exec(head) ?? [];
  if (url === undefined || NOT_PLAIN.test(head)) return undefined;
  const headers = plainFields(fieldsIn(head, line.length + 1));
  if (headers === undefined) return undefined;
  const length = headers['content-length'];
  const body = bytes.subarray(end + END.length);
  if (length === undefined || !/^\d{1,9}$/.test(length) || Number(length) !== body.length) return undefined;
  return { method: 'POST', url, headers, body };
}

/** As an object; `undefined` if there is something special, or one is there twice, or none. */
function plainFields(fields: readonly string[] | undefined): IncomingHttpHeaders | undefined {
  if (fields === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (name in headers || SPECIAL.has(name)) return undefined;
    headers[name] = fields[i + 1] ?? '';
  }
  const { host, connection } = headers;
  return host === undefined || (connection !== undefined && connection.toLowerCase() !== 'keep-alive') ? undefined : headers;
}
