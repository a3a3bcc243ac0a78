/** A chunk that is smaller than this is copied together with others: a Buffer of its own takes about 100 bytes. */
const SMALL = 4_096;
const TOGETHER = 16_384;

/** Collects the chunks of a body. However small they come, they take little more memory than their bytes. */
export class Chunks {
  readonly #whole: Buffer[] = [];
  #together: Buffer | undefined;
  #used = 0;
  #size = 0;

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes the next one, which must not change any more. */
  push(chunk: Buffer): void {
    const isFirst = this.#size === 0;
    this.#size += chunk.length;
    // Most bodies come as one.
    if (isFirst || chunk.length >= SMALL) {
      this.#flush();
      this.#whole.push(chunk);
      return;
    }
    if (this.#used + chunk.length > TOGETHER) this.#flush();
    this.#together ??= Buffer.allocUnsafeSlow(TOGETHER);
    this.#used += chunk.copy(this.#together, this.#used);
  }

  /** All of it, in order. Leaves nothing. */
  take(): Buffer[] {
    this.#flush();
    this.#together = undefined;
    this.#size = 0;
    return this.#whole.splice(0);
  }

  /** All of it as one; no copy if it came as one. Leaves nothing. */
  joined(): Buffer {
    const chunks = this.take();
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
  }

  #flush(): void {
    if (this.#together === undefined || this.#used === 0) return;
    this.#whole.push(Buffer.from(this.#together.subarray(0, this.#used)));
    this.#used = 0;
  }
}
