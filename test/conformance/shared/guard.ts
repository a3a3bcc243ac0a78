import type { IncomingMessage, ServerResponse } from 'node:http';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/node';

const hostIsLocal = localhostHostValidation();
const originIsLocal = localhostOriginValidation();

/**
 * What every request to an HTTP server of the suite has to pass: a local Host and Origin, and the credential if one is
 * asked for. Answers a request that does not pass. @returns whether it may go on.
 */
export function admits(request: IncomingMessage, response: ServerResponse, credential: string | undefined): boolean {
  if (!hostIsLocal(request, response) || !originIsLocal(request, response)) return false;
  if (credential === undefined || request.headers.authorization === `Bearer ${credential}`) return true;
  response.writeHead(401).end();
  return false;
}
