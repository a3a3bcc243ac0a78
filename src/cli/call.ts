import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { timeoutOption } from './serve';

/** `call`: one tool call by a real MCP client through a proxy that lives as long as the call. Returns what to print. */
export async function call(input: Arguments, server: string, tool: string, headless: Headless): Promise<string> {
  allowOptions(input, ['args', 'json', 'timeout']);
  const args = argumentsOf(input.options.args);
  headless.servers.get(server);
  const timeout = timeoutOption(input);
  const { proxy, agents } = headless.proxy(0, timeout);
  const { url } = await proxy.start();
  try {
    const token = agents.issueTemporary('command line', systemClock.now());
    const result = await callTool(new URL(`/mcp/${server}`, url), token, tool, args, timeout);
    const text = result.content.map((item) => (item.type === 'text' ? item.text : JSON.stringify(item))).join('\n');
    if (result.isError === true) throw new SecretsError('toolFailed', { server, tool, why: oneLine(text) });
    return input.options.json === true ? `${JSON.stringify(result)}\n` : `${text}\n`;
  } catch (error) {
    if (error instanceof SecretsError) throw error;
    throw new SecretsError('toolFailed', { server, tool, why: oneLine(error instanceof Error ? error.message : 'unknown error') });
  } finally {
    await proxy.stop();
    await headless.audit.flush();
  }
}

/** The messages of this client come from the proxy, which has redacted them. */
async function callTool(url: URL, token: string, tool: string, args: Record<string, unknown>, timeout: number): Promise<CallToolResult> {
  // Loaded here: no other command needs the client.
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { CallToolResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } });
  const client = new Client({ name: 'mcp-secrets', version: '1' });
  // The SDK's own types disagree with each other under exactOptionalPropertyTypes.
  await client.connect(transport);
  try {
    const result = await client.callTool({ name: tool, arguments: args }, CallToolResultSchema, { timeout: timeout + 5_000 });
    return CallToolResultSchema.parse(result);
  } finally {
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}

function argumentsOf(text: string | undefined): Record<string, unknown> {
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new SecretsError('usage', { problem: '--args takes a JSON object.' });
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
