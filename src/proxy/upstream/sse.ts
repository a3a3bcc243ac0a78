/** One event of a stream (WHATWG HTML, server-sent events). */
export interface SseEvent {
  /** The event's text as it came, without the blank line that ends it. */
  readonly raw: string;
  /** Its `data` lines, joined; `undefined` if it has none (a comment, a bare id). */
  readonly data: string | undefined;
  /** Its `id`, if it has one. */
  readonly id: string | undefined;
  /** Its lines that are not data: other fields and comments, as they came. */
  readonly others: readonly string[];
}

const BLANK_LINE = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/;

/** As many characters as a blank line can have, less one: it may have begun in the chunk before. */
const TAIL = 3;

/** Cuts a stream of text into events, whatever its chunks. */
export class SseSplitter {
  /** The unfinished event: what has been searched, and its last characters, which are searched again. */
  #searched: string[] = [];
  #tail = '';
  /** Length of what has been searched. */
  #length = 0;
  /** What the next chunk may begin with that means nothing: a byte order mark, the LF of a CRLF whose CR has ended an event. */
  #skip: '\uFEFF' | '\n' | '' = '\uFEFF';

  /** Length of the unfinished event, in UTF-16 units. */
  get pending(): number {
    return this.#length + this.#tail.length;
  }

  /** Takes the next chunk and returns the events that it completes. */
  push(chunk: string): SseEvent[] {
    return this.cut(chunk).map(parseEvent);
  }

  /** As `push`, without reading the events: with large ones that takes as long again. */
  cut(chunk: string): string[] {
    if (chunk === '') return [];
    let text = this.#tail + (this.#skip !== '' && chunk.startsWith(this.#skip) ? chunk.slice(1) : chunk);
    this.#skip = '';
    const events: string[] = [];
    for (let match = BLANK_LINE.exec(text); match !== null; match = BLANK_LINE.exec(text)) {
      events.push([...this.#searched, text.slice(0, match.index)].join(''));
      text = text.slice(match.index + match[0].length);
      this.#searched = [];
      this.#length = 0;
      if (text === '' && match[0].endsWith('\r')) this.#skip = '\n';
    }
    this.#tail = text.slice(-TAIL);
    if (text.length > TAIL) {
      this.#searched.push(text.slice(0, -TAIL));
      this.#length += text.length - TAIL;
    }
    return events;
  }
}

/** Reads an event. @param raw its text without the blank line that ends it. */
export function parseEvent(raw: string): SseEvent {
  const data: string[] = [];
  const others: string[] = [];
  let id: string | undefined;
  // Nearly all servers write LF: to split at a character is much faster than at a pattern.
  for (const line of raw.includes('\r') ? raw.split(/\r\n|\n|\r/) : raw.split('\n')) {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else {
      others.push(line);
      if (field === 'id') id = value;
    }
  }
  return { raw, data: data.length === 0 ? undefined : data.join('\n'), id, others };
}

/** The event as it may be sent on, with these data and other lines: as it came if nothing has changed. */
export function withLines(event: SseEvent, data: string | undefined, others: readonly string[]): string {
  if (data === event.data && others.every((line, i) => line === event.others[i])) return event.raw;
  return [...others, ...(data === undefined ? [] : data.split('\n').map((line) => `data: ${line}`))].join('\n');
}
