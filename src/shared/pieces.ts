/** A piece that is smaller than this is copied together with others: a Buffer of its own takes about 100 bytes. */
const SMALL = 4_096;
const TOGETHER = 16_384;

/** Collects the pieces of a body. However small they come, they take little more memory than their bytes. */
export class Pieces {
  readonly #whole: Buffer[] = [];
  #together: Buffer | undefined;
  #used = 0;
  #size = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes the next piece, which must not change any more. */
  push(piece: Buffer): void {
    const isFirst = this.#size === 0;
    this.#size += piece.length;
    // Most bodies come as one piece.
    if (isFirst || piece.length >= SMALL) {
      this.#flush();
      this.#whole.push(piece);
      return;
    }
    if (this.#used + piece.length > TOGETHER) this.#flush();
    this.#together ??= Buffer.allocUnsafeSlow(TOGETHER);
    this.#used += piece.copy(this.#together, this.#used);
  }

  /** All of it, in order, in pieces. Leaves nothing. */
  take(): Buffer[] {
    this.#flush();
    this.#together = undefined;
    this.#size = 0;
    return this.#whole.splice(0);
  }

  /** All of it in one piece; no copy if it came as one. Leaves nothing. */
  joined(): Buffer {
    const pieces = this.take();
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
  }

  #flush(): void {
    if (this.#together === undefined || this.#used === 0) return;
    this.#whole.push(Buffer.from(this.#together.subarray(0, this.#used)));
    this.#used = 0;
  }
}
