/** A server as an agent reaches it. */
export interface Endpoint {
  readonly server: string;
  /** Its address at the proxy. */
  readonly url: string;
}

/** One server at a proxy. @param proxy its address: `http://127.0.0.1:PORT`. */
export function endpointOf(proxy: string, server: string): Endpoint {
  return { server, url: `${proxy}/mcp/${encodeURIComponent(server)}` };
}

/** All servers at a proxy as one. @param search offers three tools to find, describe and call the others in place of all of them. */
export function endpointOfAll(proxy: string, search: boolean): Endpoint {
  return { server: 'mcp-secrets', url: `${proxy}/mcp${search ? '?mode=search' : ''}` };
}

/** The forms of configuration there are. */
export type AgentKind = 'claudeCode' | 'cursor' | 'codex' | 'vscode' | 'other';

/** Text to paste, and where. */
export interface AgentConfiguration {
  readonly text: string;
  /** A sentence or two that say what to do with it. */
  readonly hint: string;
}

/** The agents to choose from, each with the file that its configuration belongs in. */
export const agentKinds: readonly { readonly kind: AgentKind; readonly label: string; readonly place: string }[] = [
  { kind: 'claudeCode', label: 'Claude Code', place: '.mcp.json' },
  { kind: 'cursor', label: 'Cursor', place: '.cursor/mcp.json' },
  { kind: 'codex', label: 'Codex', place: '~/.codex/config.toml' },
  { kind: 'vscode', label: 'VS Code (another window)', place: 'mcp.json' },
  { kind: 'other', label: 'Other agent', place: 'JSON with "mcpServers"' },
];

const KEEP_OUT = 'It holds a token for the proxy on this computer: keep it out of version control.';

/**
 * What an agent needs to reach servers through the proxy.
 * @param token the agent's own. It is not a credential of any server, and works on this computer only.
 */
export function configurationFor(kind: AgentKind, endpoints: readonly Endpoint[], token: string): AgentConfiguration {
  const headers = { Authorization: `Bearer ${token}` };
  const typed = byName(endpoints, (url) => ({ type: 'http', url, headers }));
  switch (kind) {
    case 'claudeCode':
      return { text: json({ mcpServers: typed }), hint: `Paste it into .mcp.json in the project. ${KEEP_OUT}` };
    case 'cursor':
      return {
        text: json({ mcpServers: byName(endpoints, (url) => ({ url, headers })) }),
        hint: `Paste it into .cursor/mcp.json. ${KEEP_OUT}`,
      };
    case 'codex':
      return { text: toml(endpoints, token), hint: `Append it to ~/.codex/config.toml.` };
    case 'vscode':
      return { text: json({ servers: typed }), hint: `Paste it with "MCP: Open User Configuration". ${KEEP_OUT}` };
    case 'other':
      return { text: json({ mcpServers: typed }), hint: `Paste it where the agent lists its MCP servers. ${KEEP_OUT}` };
  }
}

function byName(endpoints: readonly Endpoint[], entry: (url: string) => object): Record<string, object> {
  return Object.fromEntries(endpoints.map(({ server, url }) => [server, entry(url)]));
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Codex refuses an inline `bearer_token` and passes over `headers`; `http_headers` is what it sends. */
function toml(endpoints: readonly Endpoint[], token: string): string {
  const taken = new Set<string>();
  const tables = endpoints.map(({ server, url }) => {
    const key = tomlKey(server, taken);
    taken.add(key);
    // A basic string of TOML is escaped like one of JSON.
    const authorization = JSON.stringify(`Bearer ${token}`);
    return `[mcp_servers.${key}]\nurl = ${JSON.stringify(url)}\nhttp_headers = { "Authorization" = ${authorization} }\n`;
  });
  return tables.join('\n');
}

/** Codex takes letters, digits, `_` and `-` in the name of a server; each name once. */
function tomlKey(server: string, taken: ReadonlySet<string>): string {
  const key = server.replace(/[^A-Za-z0-9_-]/g, '_');
  let free = key;
  for (let n = 2; taken.has(free); n++) free = `${key}_${String(n)}`;
  return free;
}
