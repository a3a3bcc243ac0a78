/** Ids that are remembered; the oldest are forgotten. */
const MAX_IDS = 4_096;

/** Which server was the first to name something by an id that servers choose. All of them talk to one agent there, which cannot tell them apart. */
export class Owners {
  readonly #servers = new Map<string, string>();

  /** A server has named something; it is its own unless another one was first. */
  claim(server: string, id: string | undefined): void {
    if (id === undefined || this.#servers.has(id)) return;
    this.#servers.set(id, server);
    const [oldest] = this.#servers.keys();
    if (this.#servers.size > MAX_IDS && oldest !== undefined) this.#servers.delete(oldest);
  }

  /** The name of the server; `undefined` if nobody has named it. */
  of(id: string): string | undefined {
    return this.#servers.get(id);
  }

  /** Whether a server may speak of something: it is not another one's. */
  allow(server: string, id: string | undefined): boolean {
    return id === undefined || (this.#servers.get(id) ?? server) === server;
  }
}
