import type { IncomingHttpHeaders } from 'node:http';
import { dictionary } from '../../shared/dictionary';
import { fieldsIn, NOT_PLAIN } from '../httpFields';

/** A POST that came in one piece. */
export interface WholeRequest {
  readonly method: 'POST';
  readonly url: string;
  /** By name in lower case. Not Content-Length. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The largest head of a request, in bytes; as `maxHeaderSize` of `node:http`. */
const MAX_HEAD = 16 * 1024;
const END = Buffer.from('\r\n\r\n');

/** A length with more digits is none. */
const MAX_DIGITS = 9;
/** The one line that differs between two requests. Its digits, and what stands before them. */
const LENGTH = /(\r\ncontent-length: *)(\d{1,9})(?= *(?:\r|$))/i;

/** RFC 9112, 3: the path may hold what is visible in ASCII. */
const REQUEST_LINE = /^POST (\/[!-~]*) HTTP\/1\.1(?:\r|$)/;
/** Those that change how the rest is to be read, or what is to be answered; and the one of which `node:http` makes a list. */
const SPECIAL: ReadonlySet<string> = new Set([
  'transfer-encoding', 'expect', 'upgrade', 'trailer', 'te', 'proxy-connection', 'http2-settings', 'set-cookie',
]); // prettier-ignore

/** The head of such a request, whatever the length of the body. */
interface Head {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The bytes before the digits of Content-Length. */
  readonly before: Buffer;
  /** Those after them, to the end of the head. */
  readonly after: Buffer;
}

/**
 * Reads what nearly every agent sends nearly always on a connection: one POST, head and body, in one piece, and nothing after it.
 * Agents send the same head again and again, but for the length: it is taken apart once, and kept until another one comes.
 */
export class RequestReader {
  #head: Head | undefined;

  /**
   * The request that these bytes are. Anything that is unusual in any way, or wrong, is `undefined`: that is for `node:http` to read,
   * or to refuse. Of the same head the same `headers` are returned: they are frozen, and without Content-Length.
   */
  read(bytes: Buffer): WholeRequest | undefined {
    // Not even the P of POST: nothing needs to be looked for.
    if (bytes[0] !== 0x50) return undefined;
    const body = bodyAfter(this.#head, bytes) ?? bodyAfter((this.#head = headOf(bytes)), bytes);
    return body === undefined || this.#head === undefined
      ? undefined
      : { method: 'POST', url: this.#head.url, headers: this.#head.headers, body };
  }
}

/** What follows a head, if the bytes begin with it and go on as long as they say. */
function bodyAfter(head: Head | undefined, bytes: Buffer): Buffer | undefined {
  if (head === undefined || !isAt(bytes, 0, head.before)) return undefined;
  const start = head.before.length;
  let at = start;
  let length = 0;
  for (let digit = digitAt(bytes, at); digit !== undefined && at < start + MAX_DIGITS; digit = digitAt(bytes, at)) {
    length = length * 10 + digit;
    at += 1;
  }
  const end = at + head.after.length;
  return at > start && isAt(bytes, at, head.after) && end + length === bytes.length ? bytes.subarray(end) : undefined;
}

function digitAt(bytes: Buffer, at: number): number | undefined {
  const byte = bytes[at] ?? 0;
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : undefined;
}

function isAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  const end = at + wanted.length;
  return end <= bytes.length && wanted.compare(bytes, at, end) === 0;
}

function headOf(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(END);
  if (end < 0 || end > MAX_HEAD) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const [line = '', url] = REQUEST_LINE.exec(head) ?? [];
  if (url === undefined || NOT_PLAIN.test(head)) return undefined;
  const headers = plainFields(fieldsIn(head, line.length + 1));
  const length = LENGTH.exec(head);
  if (headers === undefined || length === null) return undefined;
  // Not from Node's pool, where the bytes of a token would stay for as long as what is beside them.
  const own = Buffer.allocUnsafeSlow(end + END.length);
  bytes.copy(own);
  const [, name = '', digits = ''] = length;
  const start = length.index + name.length;
  return { url, headers, before: own.subarray(0, start), after: own.subarray(start + digits.length) };
}

/** As an object; `undefined` if there is something special, or one is there twice, or none that must be. */
function plainFields(fields: readonly string[] | undefined): IncomingHttpHeaders | undefined {
  if (fields === undefined) return undefined;
  const headers = dictionary<string>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (name in headers || SPECIAL.has(name)) return undefined;
    headers[name] = fields[i + 1] ?? '';
  }
  const { host, connection } = headers;
  if (host === undefined || (connection !== undefined && connection.toLowerCase() !== 'keep-alive')) return undefined;
  delete headers['content-length'];
  return Object.freeze(headers);
}
