/** One event of a stream (WHATWG HTML, server-sent events). */
export interface SseEvent {
  /** The event's text as it came, without the blank line that ends it. */
  readonly raw: string;
  /** Its `data` lines, joined; `undefined` if it has none (a comment, a bare id). */
  readonly data: string | undefined;
  /** Its `id`, if it has one. */
  readonly id: string | undefined;
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
    if (chunk === '') return [];
    let text = this.#tail + (this.#skip !== '' && chunk.startsWith(this.#skip) ? chunk.slice(1) : chunk);
    this.#skip = '';
    const events: SseEvent[] = [];
    for (let match = BLANK_LINE.exec(text); match !== null; match = BLANK_LINE.exec(text)) {
      events.push(parseEvent(this.#searched.join('') + text.slice(0, match.index)));
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

function parseEvent(raw: string): SseEvent {
  const data: string[] = [];
  let id: string | undefined;
  for (const line of raw.split(/\r\n|\n|\r/)) {
    const colon = line.indexOf(':');
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line.charAt(colon + 1) === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
  }
  return { raw, data: data.length === 0 ? undefined : data.join('\n'), id };
}

/** The lines of an event that are not its data. */
function otherLines(event: SseEvent): string[] {
  return event.raw.split(/\r\n|\n|\r/).filter((line) => !/^data(?::|$)/.test(line));
}

/** The event as it may be sent on, with these data: as it came if nothing has to change. `clean` redacts its other lines. */
export function withData(event: SseEvent, data: string | undefined, clean: (text: string) => string): string {
  const others = otherLines(event);
  const cleaned = others.map(clean);
  if (data === event.data && cleaned.every((line, i) => line === others[i])) return event.raw;
  return [...cleaned, ...(data === undefined ? [] : data.split('\n').map((line) => `data: ${line}`))].join('\n');
}
