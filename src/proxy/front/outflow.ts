import { piecesOf, STRIDE } from '../../shared/utf8';
import type { Response } from './response';

/** What is needed of a response for its body. */
type Out = Pick<Response, 'write' | 'end' | 'destroyed' | 'writableLength' | 'once'>;

/** What is written to one agent. Large content goes out piece by piece, so that nobody else waits while the system takes all of it. */
export class Outflow {
  readonly #to: Out;
  /** What is still to be written, in order. */
  #rest: Generator<Buffer, void>[] = [];
  /** Length of that, in bytes or UTF-16 units. */
  #length = 0;
  #ending = false;
  #onWritten: (() => void)[] = [];

  constructor(to: Out) {
    this.#to = to;
  }

  /** Whether `end` was called. What is still to be written is written after it. */
  get ending(): boolean {
    return this.#ending;
  }

  /** How much waits, here and in the stream, about in bytes. */
  get length(): number {
    return this.#length + this.#to.writableLength;
  }

  /** Writes bytes, or text as UTF-8. Returns false when more should wait for `onWritten`. */
  write(content: string | Buffer): boolean {
    if (this.#rest.length === 0 && content.length <= STRIDE) return this.#to.write(content);
    this.#rest.push(piecesOf(content));
    this.#length += content.length;
    if (this.#rest.length === 1) this.#next();
    return false;
  }

  /** Writes what is given, and ends when everything is written. */
  end(content?: string | Buffer): void {
    if (this.#rest.length === 0 && (content?.length ?? 0) <= STRIDE) {
      this.#ending = true;
      this.#to.end(content);
      return;
    }
    if (content !== undefined) this.write(content);
    this.#ending = true;
  }

  /** Calls back once when what was written is taken. */
  onWritten(callback: () => void): void {
    if (this.#rest.length > 0) this.#onWritten.push(callback);
    else this.#to.once('drain', callback);
  }

  #next(): void {
    const piece = this.#to.destroyed ? undefined : this.#piece();
    if (piece === undefined) {
      this.#done();
      return;
    }
    this.#length = Math.max(0, this.#length - piece.length);
    this.#to.write(piece, () => {
      // Even if it was taken at once: others have their turn.
      setImmediate(() => {
        this.#next();
      });
    });
  }

  #piece(): Buffer | undefined {
    for (let first = this.#rest[0]; first !== undefined; first = this.#rest[0]) {
      const { value } = first.next();
      if (value !== undefined) return value;
      this.#rest.shift();
    }
    return undefined;
  }

  #done(): void {
    this.#rest = [];
    this.#length = 0;
    if (this.#ending) this.#to.end();
    for (const callback of this.#onWritten.splice(0)) callback();
  }
}
