/**
 * Where diagnostics go. Callers pass names and reasons, never values; text that comes from a server
 * (stderr) has been through redaction before it gets here.
 */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Drops everything. */
export const silentLogger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
