import { digestOf } from '../shared/canonicalJson';
import { visible } from '../shared/visible';
import { DEFAULT_SCOPE } from '../vault/secret';
import { describePolicy } from './describePolicy';
import { describeLimits } from './limits';
import type { Binding, FunctionTool, Server } from './server';
import { VALUE } from './server';

/** The digest of everything that a server start or call will do: 64 hex digits. Any change changes it. */
export function planDigest(server: Server): string {
  return digestsOf(server).plan;
}

/** The digest of a plan whatever its scope: what stays the same when a server is switched to another scope. */
export function shapeDigest(server: Server): string {
  return digestsOf(server).shape;
}

interface Digests {
  readonly plan: string;
  readonly shape: string;
}

function digestsOf(server: Server): Digests {
  let found = digests.get(server);
  if (found === undefined) digests.set(server, (found = makeDigests(server)));
  return found;
}

/** The default scope is not in the digest: approvals from before there were scopes remain. */
function makeDigests({ scope, ...rest }: Server): Digests {
  const fields = { ...rest, bindings: byName(rest.bindings) };
  const shape = digestOf(fields);
  return { shape, plan: scope === DEFAULT_SCOPE ? shape : digestOf({ ...fields, scope }) };
}

/** In the file they are keys of an object, whose order means nothing. */
function byName(bindings: readonly Binding[]): Binding[] {
  return bindings.toSorted((a, b) => (a.secret < b.secret ? -1 : 1));
}

/** Servers do not change once they are read, and every call asks for this. */
const digests = new WeakMap<Server, Digests>();

/**
 * The plan of a server in lines for people: the exact command or address, whole, with everything invisible
 * made visible; then what is sent along. Names only, no values.
 */
export function describePlan(server: Server): string[] {
  const lines =
    server.type === 'stdio'
      ? [
          `Starts: ${commandLine([server.command, ...server.args])}`,
          `In: ${visible(server.cwd)}`,
          ...Object.entries(server.env).map(([name, value]) =>
            value === null ? `Without: ${visible(name)}` : `With: ${visible(name)}=${visible(value)}`,
          ),
        ]
      : [
          `${server.type === 'http' ? 'Connects to' : 'Posts to'}: ${visible(server.url)}${server.type === 'http' && server.transport === 'sse' ? ' (HTTP+SSE)' : ''}`,
          ...Object.entries(server.headers).map(([name, value]) => `Header: ${visible(name)}: ${visible(value)}`),
          ...(server.type === 'function' ? server.tools.flatMap(describeTool) : []),
        ];
  const protocol = server.type === 'function' || server.protocol === undefined ? [] : [`Speaks: MCP ${server.protocol}`];
  const scope = server.scope === DEFAULT_SCOPE ? [] : [`From scope: ${server.scope}`];
  const secrets = server.bindings.map((binding) => `Secret: ${describeBinding(binding)}`);
  const limits = server.limits === undefined ? [] : [`Limits: ${describeLimits(server.limits).join(', ')}`];
  const policy = server.policy === undefined ? [] : describePolicy(server.policy);
  return [...lines, ...protocol, ...scope, ...(secrets.length > 0 ? secrets : ['Secrets: none']), ...limits, ...policy];
}

/** What an agent is told of a tool, too: it can be misled by it. */
function describeTool({ name, description, inputSchema }: FunctionTool): string[] {
  return [
    `Tool: ${visible(name)}${description === undefined ? '' : `: ${visible(description)}`}`,
    // On a line of its own: a description could end with what looks like it.
    `Arguments of ${visible(name)}: ${visible(JSON.stringify(inputSchema))}`,
  ];
}

/** One binding in words: `GITHUB_TOKEN as header X-Token: "Token ${value}"`. */
export function describeBinding({ secret, mode, name, template, tools }: Binding): string {
  const only = tools === undefined ? '' : `, only for ${tools.map(visible).join(' | ')}`;
  if (mode === 'bearer') return `${secret} as bearer token${only}`;
  const where = mode === 'env' ? `environment variable ${name}` : mode === 'body' ? `body key ${visible(name)}` : `header ${name}`;
  return `${secret} as ${where}${template === VALUE ? '' : `: "${visible(template)}"`}${only}`;
}

/** A command line on which the borders of the arguments can be seen. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `"${visible(word).replace(/["\\]/g, '\\$&')}"`)).join(' ');
}
