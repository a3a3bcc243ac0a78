/** One event of a stream (WHATWG HTML, server-sent events). */
export interface SseEvent {
  /** The event's text as it came, without the blank line that ends it. */
  readonly raw: string;
  /** Its `data` lines, joined; `undefined` if it has none (a comment, a bare id). */
  readonly data: string | undefined;
  /** Its `id`, if it has one. */
  readonly id: string | undefined;
}

const BLANK_LINE = /\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n/;

/** Cuts a stream of text into events, whatever its chunks. */
export class SseSplitter {
  #rest = '';
  /** From here on the rest has not been searched yet. */
  #searched = 0;

  /** Length of the unfinished event, in UTF-16 units. */
  get pending(): number {
    return this.#rest.length;
  }

  /** Takes the next chunk and returns the events that it completes. */
  push(chunk: string): SseEvent[] {
    this.#rest += chunk;
    const events: SseEvent[] = [];
    for (;;) {
      const from = Math.max(0, this.#searched - 3);
      const match = BLANK_LINE.exec(from === 0 ? this.#rest : this.#rest.slice(from));
      if (match === null) break;
      events.push(parseEvent(this.#rest.slice(0, from + match.index)));
      this.#rest = this.#rest.slice(from + match.index + match[0].length);
      this.#searched = 0;
    }
    this.#searched = this.#rest.length;
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

/** The event with other data; its other fields stay, redacted text included. */
export function withData(event: SseEvent, data: string, clean: (text: string) => string): string {
  const others = event.raw.split(/\r\n|\n|\r/).filter((line) => !/^data(?::|$)/.test(line));
  return [...others.map(clean), ...data.split('\n').map((line) => `data: ${line}`)].join('\n');
}
