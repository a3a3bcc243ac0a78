import type { Limits } from './limits';
import type { Policy } from './policy';

/** How a server receives a secret. */
export type Mode = 'header' | 'bearer' | 'body' | 'env';

/** One secret for one server, with every default filled in. */
export interface Binding {
  /** Normalised name of the secret. */
  readonly secret: string;
  readonly mode: Mode;
  /** The header, environment variable or body key to use. */
  readonly name: string;
  /** What is sent; every `${value}` stands for the value. */
  readonly template: string;
  /** Patterns of the tools that get it; without it: every request does. */
  readonly tools?: readonly string[];
}

/** The revision of MCP that a server speaks, where the servers file says it: the last of the handshake era, or the first without. */
export type Protocol = '2025-11-25' | '2026-07-28';

interface ServerBase {
  /** Its key in the servers file, and its path in the proxy. */
  readonly name: string;
  readonly bindings: readonly Binding[];
  /** Where its secrets are looked for; no secret of another scope is used. */
  readonly scope: string;
  /** What it may take; absent: the defaults. */
  readonly limits?: Limits;
  /** What agents may do with it; without one: everything. */
  readonly policy?: Policy;
}

/** A remote MCP server: Streamable HTTP, or the old HTTP+SSE (MCP 2024-11-05). */
export interface HttpServer extends ServerBase {
  readonly type: 'http';
  /** Absent: Streamable HTTP. */
  readonly transport?: 'sse';
  readonly protocol?: Protocol;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A local MCP server: a child process that speaks over its standard input and output. */
export interface StdioServer extends ServerBase {
  readonly type: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Variables that are no secrets; `null` takes one away from the minimal environment. */
  readonly env: Readonly<Record<string, string | null>>;
  /** Absolute. */
  readonly cwd: string;
  readonly protocol?: Protocol;
}

/** A tool that a function offers. */
export interface FunctionTool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
}

/** A plain HTTP endpoint offered as MCP tools. */
export interface FunctionServer extends ServerBase {
  readonly type: 'function';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tools: readonly FunctionTool[];
}

/** One upstream, as the servers file describes it. */
export type Server = HttpServer | StdioServer | FunctionServer;

/** The stand-in for the value in a template. */
export const VALUE = '${value}';

/** The mode that a binding has when none is given. */
export function defaultMode(type: Server['type']): Mode {
  return type === 'http' ? 'header' : type === 'stdio' ? 'env' : 'body';
}

/** The modes that make sense for a type of server, the default one first. */
export function modesOf(type: Server['type']): readonly Mode[] {
  return type === 'http' ? ['header', 'bearer', 'body'] : type === 'stdio' ? ['env', 'body'] : ['body', 'header', 'bearer'];
}

/** The header, variable or body key that a secret gets in a mode when none is given. */
export function defaultTarget(secret: string, mode: Mode): string {
  if (mode === 'bearer') return 'Authorization';
  return mode === 'header' ? `X-Mcp-Secret-${secret.replaceAll('_', '-')}` : secret;
}
