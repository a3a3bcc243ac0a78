import type { Binding, Mode, Server } from './server';
import { listOf } from './policySchema';
import { defaultTarget, modesOf, VALUE } from './server';

/** A binding as it is written down, its mode chosen. */
export interface BindingSpec {
  readonly as: Mode;
  readonly name?: string | undefined;
  readonly template?: string | undefined;
  /** Patterns of the tools that get it. */
  readonly tools?: string | readonly string[] | undefined;
}

/** Headers (in lower case) that carry the protocol or the connection: set from outside, they would break or redirect the message. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'accept', 'accept-encoding', 'connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'host',
  'keep-alive', 'last-event-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'origin',
  'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
]); // prettier-ignore

/**
 * Fills in the defaults of a binding and checks that it makes sense for the type of server.
 * @param secret the normalised name.
 * @returns the binding, or a sentence that says what is wrong.
 */
export function resolveBinding(secret: string, spec: BindingSpec, type: Server['type']): Binding | { problem: string } {
  const mode = spec.as;
  if (!modesOf(type).includes(mode)) {
    const modes = modesOf(type).map((m) => `"${m}"`);
    return {
      problem: `The mode "${mode}" is not possible for ${type} servers. Use ${modes.slice(0, -1).join(', ')} or ${modes.at(-1) ?? ''}.`,
    };
  }
  if (mode === 'bearer' && (spec.name !== undefined || spec.template !== undefined)) {
    return {
      problem: 'The mode "bearer" takes no "name" and no "template". Use the mode "header" with name "Authorization" and a template.',
    };
  }
  if (mode === 'env' && spec.tools !== undefined) {
    return {
      problem: 'A process has its environment for as long as it runs: a variable cannot be for certain tools only. Use the mode "body".',
    };
  }
  const name = spec.name ?? defaultTarget(secret, mode);
  if (name === '__proto__') return { problem: 'This name cannot be used. Give another one with "name".' };
  const problem = mode === 'header' ? headerProblem(name, spec.template) : mode === 'env' ? envProblem(name, spec.template) : undefined;
  return problem === undefined
    ? {
        secret,
        mode,
        name,
        template: spec.template ?? (mode === 'bearer' ? `Bearer ${VALUE}` : VALUE),
        ...(spec.tools === undefined ? {} : { tools: listOf(spec.tools) }),
      }
    : { problem };
}

function headerProblem(name: string, template: string | undefined): string | undefined {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'This is not a header name.';
  if (RESERVED_HEADERS.has(name.toLowerCase())) return `The header "${name}" belongs to the connection and cannot carry a secret.`;
  if (/^mcp-param-/i.test(name)) return `The header "${name}" repeats an argument of a call and cannot carry a secret.`;
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(template ?? '')) return 'A header template cannot contain line breaks or control characters.';
  return undefined;
}

function envProblem(name: string, template: string | undefined): string | undefined {
  if (template?.includes('\0') === true) return 'The template of an environment variable cannot contain a NUL character.';
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
  return `"${name}" cannot be the name of an environment variable. Give one with "name".`;
}
