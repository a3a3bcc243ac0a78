import { request } from 'node:http';
import { SecretsError } from '../shared/errors';
import { objectAt, parseMessage, reasonIn, stringAt } from './jsonRpc';
import type { Message } from './jsonRpc';
import { SseSplitter } from './upstream/sse';

/**
 * Tries a server as an agent would, through the proxy's own front: handshake, list of tools, end of session.
 * @returns the number of tools on the first page.
 * @throws SecretsError `toolFailed` with what the proxy or the server said.
 */
export async function probe(address: { readonly port: number }, server: string, token: string): Promise<number> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const ask = async (method: string, params: object, id?: number): Promise<Message | undefined> => {
    const answer = await post(address.port, server, headers, { jsonrpc: '2.0', method, params, ...(id === undefined ? {} : { id }) });
    if (answer.session !== undefined) headers['mcp-session-id'] = answer.session;
    if (answer.message?.error !== undefined) {
      throw new SecretsError('toolFailed', { server, tool: method, why: reasonIn(answer.message.error) });
    }
    return answer.message;
  };
  const hello = await ask(
    'initialize',
    { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'mcp-secrets', version: '1' } },
    1,
  );
  headers['mcp-protocol-version'] = stringAt(hello?.result, 'protocolVersion') ?? '2025-11-25';
  await ask('notifications/initialized', {});
  try {
    if (objectAt(hello?.result, 'capabilities')?.tools === undefined) return 0;
    const tools = (await ask('tools/list', {}, 2))?.result as { tools?: unknown[] } | undefined;
    return tools?.tools?.length ?? 0;
  } finally {
    if (headers['mcp-session-id'] !== undefined) await exchange(address.port, server, 'DELETE', headers).catch(() => undefined);
  }
}

async function post(
  port: number,
  server: string,
  headers: Record<string, string>,
  message: object,
): Promise<{ session: string | undefined; message: Message | undefined }> {
  const { session, text, type } = await exchange(port, server, 'POST', headers, JSON.stringify(message));
  if (!type.startsWith('text/event-stream')) return { session, message: parseMessage(text) };
  const messages = new SseSplitter().push(`${text}\n\n`).map((event) => parseMessage(event.data ?? ''));
  return { session, message: messages.find((m) => m?.id !== undefined && m.method === undefined) };
}

function exchange(
  port: number,
  server: string,
  method: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ session: string | undefined; text: string; type: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: `/mcp/${server}`, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        const session = response.headers['mcp-session-id'];
        resolve({ session: typeof session === 'string' ? session : undefined, text, type: response.headers['content-type'] ?? '' });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
