import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

/** What an agent saw. */
export interface Seen {
  /** Names of the tools that it was offered. */
  readonly tools: readonly string[];
  /** The text of the tool's answer. */
  readonly answer: string;
  /** Every byte that came to it: headers and bodies. */
  readonly bytes: Buffer;
}

/** Calls a tool as an agent does, with the SDK's client, and keeps everything that reaches it. */
export async function callAsAgent(url: string, token: string, tool: string, args: Record<string, unknown>): Promise<Seen> {
  const seen: Buffer[] = [];
  const fetchAndKeep = async (input: string | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    seen.push(Buffer.from(JSON.stringify([...response.headers])));
    // A stream that stays open would never be read to its end.
    if (init?.method === 'GET') return response;
    const body = Buffer.from(await response.arrayBuffer());
    seen.push(body);
    return new Response(body.length === 0 ? null : body, { status: response.status, headers: response.headers });
  };
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: fetchAndKeep,
  });
  const client = new Client({ name: 'demo-agent', version: '1.0.0' });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    const result = CallToolResultSchema.parse(await client.callTool({ name: tool, arguments: args }));
    const answer = result.content.map((item) => (item.type === 'text' ? item.text : '')).join('\n');
    return { tools: tools.map(({ name }) => name), answer, bytes: Buffer.concat(seen) };
  } finally {
    await client.close();
  }
}
