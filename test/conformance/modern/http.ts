import { toNodeHandler } from '@modelcontextprotocol/node';
import type { NodeIncomingMessageLike } from '@modelcontextprotocol/node';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { admits } from '../shared/guard';
import { listening } from '../../fixtures/sessionServer';
import type { Listening } from '../../fixtures/sessionServer';
import { modernServer } from './server';

/** The server over Streamable HTTP. @param credential that every request must have, if any. */
export function modernHttp(credential?: string): Promise<Listening> {
  const handler = createMcpHandler(
    () => modernServer({ toolsChanged: () => handler.notify.toolsChanged(), promptsChanged: () => handler.notify.promptsChanged() }),
    { legacy: 'reject' },
  );
  const answer = toNodeHandler(handler);
  return listening((request, response) => {
    if (admits(request, response, credential)) void answer(request as NodeIncomingMessageLike, response);
  });
}
