import type { IncomingHttpHeaders } from 'node:http';
import { dictionary } from '../../shared/dictionary';
import { fieldsIn, NOT_FIELDS } from '../httpFields';

/** The largest head of an answer, in bytes; as `maxHeaderSize` of `node:http`. */
const MAX_HEAD = 16 * 1024;
/** The longest line before a chunk. */
const MAX_CHUNK_LINE = 1024;
const NOTHING: Buffer = Buffer.alloc(0);
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');

const START = 'HTTP/1.';
/** RFC 9112, 4. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r]*)?(?:\r|$)/;
/** RFC 9112, 7.1. */
const CHUNK_LINE = /^([\da-fA-F]{1,12})[\t ]*(?:;[\t -~\x80-\xff]*)?$/;

/** An answer that is not HTTP. */
export class NotHttp extends Error {
  /** @param what it has that HTTP has not. */
  constructor(what: string) {
    super(`an answer with ${what}`);
  }
}

/** Hears what is in an answer, in order. */
export interface AnswerListener {
  /** The last head: those of 1xx answers are left out. */
  onHead(status: number, headers: IncomingHttpHeaders): void;
  onData(bytes: Buffer): void;
  /** @param keepAlive whether the connection may be used for another request. */
  onEnd(keepAlive: boolean): void;
}

type State = 'head' | 'length' | 'chunkLine' | 'chunk' | 'chunkEnd' | 'trailer' | 'untilClose' | 'done';

/**
 * Reads one answer of HTTP/1.1 or 1.0 (RFC 9112), in whatever pieces it comes. Strict: what two readers could take for two
 * things is an error.
 */
export class AnswerParser {
  readonly #listener: AnswerListener;
  #state: State = 'head';
  /** What came of something that is not whole yet. */
  #rest: Buffer = NOTHING;
  /** Bytes that are still to come of the body, or of the chunk. */
  #left = 0;
  #trailerBytes = 0;
  #keepAlive = false;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  /** Takes the next bytes. @throws NotHttp if they are not HTTP, or if something comes after the end; it is of no use after that. */
  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let used = 1; used > 0 && rest.length > 0;) {
      used = this.#take(rest);
      rest = rest.subarray(used);
    }
    this.#rest = rest;
  }

  /** The connection has ended. Returns whether the answer is complete. */
  close(): boolean {
    if (this.#state === 'untilClose') this.#end(false);
    return this.#state === 'done';
  }

  /** Takes what it can of some bytes. Returns how many that were; 0 if more must come first. */
  #take(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes);
      case 'length':
      case 'chunk':
        return this.#body(bytes);
      case 'untilClose':
        this.#listener.onData(bytes);
        return bytes.length;
      case 'chunkLine':
      case 'chunkEnd':
      case 'trailer':
        return this.#line(bytes);
      case 'done':
        throw new NotHttp('bytes after its end');
    }
  }

  #head(bytes: Buffer): number {
    const end = bytes.indexOf(END_OF_HEAD);
    if (end > MAX_HEAD || (end < 0 && bytes.length >= MAX_HEAD + END_OF_HEAD.length)) throw new NotHttp('a head that is too large');
    if (end < 0) {
      const begun = bytes.toString('latin1');
      if (!START.startsWith(begun.slice(0, START.length))) throw new NotHttp('a first line that is none');
      // It would be waited for the end for ever.
      if (/(?<!\r)\n/.test(begun)) throw new NotHttp('a line that does not end as it should');
      return 0;
    }
    const head = bytes.toString('latin1', 0, end);
    const [line = '', minor, code] = STATUS_LINE.exec(head) ?? [];
    if (code === undefined) throw new NotHttp('a first line that is none');
    const fields = NOT_FIELDS.test(head) ? undefined : fieldsIn(head, line.length + 1);
    if (fields === undefined) throw new NotHttp('a header that is none');
    const headers = joined(fields);
    const status = Number(code);
    // The answer is still to come. Another protocol than HTTP was not asked for.
    if (status === 101) throw new NotHttp('another protocol');
    if (status >= 200) this.#begin(status, headers, minor === '1');
    return end + END_OF_HEAD.length;
  }

  /** RFC 9112, 6.3. */
  #begin(status: number, headers: IncomingHttpHeaders, isCurrent: boolean): void {
    const { 'content-length': length, 'transfer-encoding': coding, connection = '' } = headers;
    this.#keepAlive = isCurrent && (connection === 'keep-alive' || !/(?:^|,)[\t ]*close[\t ]*(?:,|$)/i.test(connection));
    if (coding !== undefined && (length !== undefined || coding.toLowerCase() !== 'chunked')) throw new NotHttp('a body of unclear length');
    if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new NotHttp('a length that is none');
    const isEmpty = status === 204 || status === 304 || Number(length ?? NaN) === 0;
    this.#left = Number(length ?? 0);
    this.#state = coding !== undefined ? 'chunkLine' : length !== undefined ? 'length' : 'untilClose';
    this.#listener.onHead(status, headers);
    if (isEmpty) this.#end(this.#keepAlive);
  }

  #body(bytes: Buffer): number {
    const count = Math.min(this.#left, bytes.length);
    this.#left -= count;
    this.#listener.onData(count === bytes.length ? bytes : bytes.subarray(0, count));
    if (this.#left > 0) return count;
    if (this.#state === 'chunk') this.#state = 'chunkEnd';
    else this.#end(this.#keepAlive);
    return count;
  }

  #line(bytes: Buffer): number {
    const end = bytes.indexOf(END_OF_LINE);
    if (end > MAX_CHUNK_LINE || (end < 0 && bytes.length >= MAX_CHUNK_LINE + END_OF_LINE.length))
      throw new NotHttp('a line that is too long');
    if (end < 0 && bytes.includes(0x0a)) throw new NotHttp('a line that does not end as it should');
    if (end < 0) return 0;
    const line = bytes.toString('latin1', 0, end);
    if (this.#state === 'chunkEnd') {
      if (line !== '') throw new NotHttp('a chunk that is longer than it says');
      this.#state = 'chunkLine';
    } else if (this.#state === 'chunkLine') {
      const [, size] = CHUNK_LINE.exec(line) ?? [];
      if (size === undefined) throw new NotHttp('a chunk without a length');
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? 'trailer' : 'chunk';
    } else {
      this.#trailerBytes += end;
      if (this.#trailerBytes > MAX_HEAD) throw new NotHttp('a trailer that is too large');
      if (line === '') this.#end(this.#keepAlive);
      else if (NOT_FIELDS.test(line) || fieldsIn(line, 0) === undefined) throw new NotHttp('a trailer that is none');
    }
    return end + END_OF_LINE.length;
  }

  #end(keepAlive: boolean): void {
    this.#state = 'done';
    this.#listener.onEnd(keepAlive);
  }
}

/** Of these the first one counts, as with `node:http`. */
const SINGLE: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'location', 'mcp-session-id', 'mcp-protocol-version']);

/** By name. Two lengths, or two codings, are told by the comma (RFC 9110, 5.3). */
function joined(fields: readonly string[]): IncomingHttpHeaders {
  const headers = dictionary<string>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? '';
    const value = fields[i + 1] ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : SINGLE.has(name) ? before : `${before}, ${value}`;
  }
  return headers;
}
