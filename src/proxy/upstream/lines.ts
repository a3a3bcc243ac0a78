/** Cuts a stream of bytes into lines, whatever its chunks. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #pending = 0;

  /** Length of the unfinished line, in bytes. */
  get pending(): number {
    return this.#pending;
  }

  /** Takes the next chunk and returns the lines that it completes, without their line breaks and without empty ones. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      const line = (this.#parts.length === 0 ? piece : Buffer.concat([...this.#parts, piece])).toString();
      this.#parts = [];
      this.#pending = 0;
      start = end + 1;
      if (line.trim() !== '') lines.push(line);
    }
    if (start < chunk.length) {
      this.#parts.push(chunk.subarray(start));
      this.#pending += chunk.length - start;
    }
    return lines;
  }
}
