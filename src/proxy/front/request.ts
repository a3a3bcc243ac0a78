import type { IncomingHttpHeaders } from 'node:http';

/** A request of an agent, however it was read. */
export interface AgentRequest {
  readonly method: string;
  /** The path and the query, as they came. */
  readonly url: string;
  /** By name in lower case. The same object means the same head on the same connection, path and all (errand.ts). */
  readonly headers: IncomingHttpHeaders;
  /** The whole body. @throws SecretsError `bodyTooLarge`; as a rejection, if it is still to come. */
  readonly body: () => Buffer | Promise<Buffer>;
}
