import { Readable } from 'node:stream';
import { Chunks } from '../../shared/chunks';
import { drain } from './drain';
import type { UpstreamResponse } from './exchange';

/** What may wait for somebody to take it. A server that sends more has to wait, too. In bytes. */
const MAX_WAITING = 65_536;

/** Where an answer comes from. */
export interface Source {
  pause(): void;
  resume(): void;
  /** Breaks it off, unless it is complete. */
  destroy(error: Error): void;
}

/** An answer. Most are small and come as a whole: those need no stream. */
export class Answer implements UpstreamResponse {
  readonly status: number;
  readonly headers: UpstreamResponse['headers'];
  readonly #source: Source;
  /** What has come before somebody asked for the stream. */
  readonly #waiting = new Chunks();
  /** All of it, once it is there. */
  #whole: Buffer | undefined;
  #ended = false;
  #failed: Error | undefined;
  #body: Body | undefined;

  constructor(status: number, headers: UpstreamResponse['headers'], source: Source) {
    this.status = status;
    this.headers = headers;
    this.#source = source;
  }

  get arrived(): Buffer | undefined {
    if (!this.#ended || this.#body !== undefined) return undefined;
    return (this.#whole ??= this.#waiting.joined());
  }

  stream(): Readable {
    if (this.#body !== undefined) return this.#body;
    const body = new Body(this.#source);
    this.#body = body;
    for (const chunk of this.#whole === undefined ? this.#waiting.take() : [this.#whole]) body.push(chunk);
    if (this.#ended) body.push(null);
    if (this.#failed !== undefined) body.destroy(this.#failed);
    return body;
  }

  discard(): void {
    if (!this.#ended) drain(this.stream());
  }

  /** Takes the next piece. */
  push(chunk: Buffer): void {
    if (this.#body !== undefined) {
      if (!this.#body.push(chunk)) this.#source.pause();
      return;
    }
    this.#waiting.push(chunk);
    if (this.#waiting.size >= MAX_WAITING) this.#source.pause();
  }

  /** There is no more. */
  end(): void {
    this.#ended = true;
    this.#body?.push(null);
  }

  /** It breaks off. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.#body?.destroy(error);
  }
}

/** The body of an answer, as `node:http` would give it. */
class Body extends Readable {
  readonly #source: Source;

  constructor(source: Source) {
    super();
    this.#source = source;
    // Whoever has read the status may want nothing of the rest: its failure is nobody's then.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#source.destroy(error ?? new Error('not wanted any more'));
    callback(error);
  }
}
