import { DEFAULT_LIMITS, MAX_MS } from '../bindings/limits';
import type { Server } from '../bindings/server';
import { OWN_AGENTS } from '../proxy/front/agents';
import { reasonIn } from '../proxy/proxy';
import { SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { tell } from './output';
import { callOptions } from './serve';
import { ServerLog } from './serverLog';
import { stopRequested } from './signals';

/**
 * `call`: one tool call by a real MCP client through a proxy that lives as long as the call. Returns what to print. If the server
 * fails, what it said last on its standard error goes to ours.
 */
export async function call(input: Arguments, name: string, tool: string, headless: Headless): Promise<string> {
  allowOptions(input, ['args', 'json', 'timeout', 'expired', 'new-tools', 'outbound-guard']);
  const args = argumentsOf(input.options.args);
  const server = headless.servers.get(name);
  const log = new ServerLog(name, headless.logger);
  const { proxy, agents } = headless.proxy({ ports: [], ...callOptions(input), logger: log });
  const { url } = await proxy.start();
  const over = new AbortController();
  try {
    const token = agents.issueTemporary(OWN_AGENTS.commandLine);
    // A bundle of its own: no other command needs the SDK's client.
    const { callTool } = await import('./toolClient');
    const interrupted = stopRequested().then(() => {
      throw failed(name, tool, 'it was interrupted. Call it again if it is still wanted.');
    });
    const patience = { timeout: patienceWith(server), signal: over.signal };
    const result = await Promise.race([callTool(new URL(`/mcp/${name}`, url), token, tool, args, patience), interrupted]);
    const text = result.content.map((item) => (item.type === 'text' ? item.text : JSON.stringify(item))).join('\n');
    if (result.isError === true) throw failed(name, tool, text);
    return input.options.json === true ? `${JSON.stringify(result)}\n` : `${text}\n`;
  } catch (error) {
    if (proxy.status(name).state === 'failed') for (const line of log.lines) tell(line);
    if (error instanceof SecretsError) throw error;
    throw failed(name, tool, reasonIn(error));
  } finally {
    await proxy.stop();
    over.abort();
    await headless.audit.flush();
  }
}

/**
 * How long to wait for an answer, in ms: longer than the proxy lets anything take, which has the better words for it. A handshake may be
 * tried in two ways, and a call waits a minute for its turn.
 */
function patienceWith({ limits }: Server): number {
  return Math.min(MAX_MS, 2 * (limits?.maxCallTimeMs ?? DEFAULT_LIMITS.maxCallTimeMs) + 2 * 60_000);
}

function failed(server: string, tool: string, why: string): SecretsError {
  return new SecretsError('toolFailed', { server, tool, why: why.replace(/\s*[\r\n]+\s*/g, ' ').trim() });
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
