import { OWN_AGENTS } from '../proxy/front/agents';
import { SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { callOptions, timeoutOption } from './serve';
import { stopRequested } from './signals';

/** `call`: one tool call by a real MCP client through a proxy that lives as long as the call. Returns what to print. */
export async function call(input: Arguments, server: string, tool: string, headless: Headless): Promise<string> {
  allowOptions(input, ['args', 'json', 'timeout', 'expired', 'new-tools', 'outbound-guard']);
  const args = argumentsOf(input.options.args);
  headless.servers.get(server);
  const timeout = timeoutOption(input);
  const { proxy, agents } = headless.proxy({ port: 0, ...callOptions(input) });
  const { url } = await proxy.start();
  try {
    const token = agents.issueTemporary(OWN_AGENTS.commandLine);
    // A bundle of its own: no other command needs the SDK's client.
    const { callTool } = await import('./toolClient');
    const interrupted = stopRequested().then(() => {
      throw new SecretsError('toolFailed', { server, tool, why: 'it was interrupted.' });
    });
    const result = await Promise.race([callTool(new URL(`/mcp/${server}`, url), token, tool, args, timeout), interrupted]);
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

/** The arguments of a call. @throws SecretsError `usage` if they are no JSON object. */
export function argumentsOf(text: string | undefined): Record<string, unknown> {
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
