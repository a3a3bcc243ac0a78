import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { listening, sessionListener } from '../../fixtures/sessionServer';
import type { Listening } from '../../fixtures/sessionServer';
import { admits } from '../shared/guard';
import { legacyServer } from './server';

/** The server over Streamable HTTP, with sessions and resumable streams. @param credential that every request must have, if any. */
export function legacyHttp(credential?: string): Promise<Listening> {
  const listener = sessionListener(async (options) => {
    const transport = new StreamableHTTPServerTransport(options);
    await legacyServer().connect(transport);
    return transport;
  });
  return listening((request, response) => {
    if (admits(request, response, credential)) listener(request, response);
  });
}
