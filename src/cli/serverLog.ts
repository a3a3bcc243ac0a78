import type { Logger } from '../shared/logger';

/** So many of a server's last lines are kept. */
const LAST_LINES = 10;

/** What one server says on its standard error, for commands that show it only if the server fails. */
export class ServerLog implements Logger {
  readonly #mark: string;
  readonly #logger: Logger;
  readonly #lines: string[] = [];

  /** @param logger gets everything else. */
  constructor(server: string, logger: Logger) {
    this.#mark = `[${server}] `;
    this.#logger = logger;
  }

  /** Its last lines, each with its name before it. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  info(message: string): void {
    if (!message.startsWith(this.#mark)) {
      this.#logger.info(message);
      return;
    }
    this.#lines.push(message);
    if (this.#lines.length > LAST_LINES) this.#lines.shift();
  }

  warn(message: string): void {
    this.#logger.warn(message);
  }

  error(message: string): void {
    this.#logger.error(message);
  }
}
