import { createScanner, findNodeAtLocation, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import { homedir } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import type * as z from 'zod';
import { isSecretsError } from '../shared/errors';
import { TextLines } from '../shared/textLines';
import { normalizeName } from '../vault/name';
import { DEFAULT_SCOPE } from '../vault/secret';
import { resolveBinding } from './binding';
import { readLimits } from './limits';
import { toPolicy } from './policySchema';
import { functionSchema, httpSchema, SERVER_NAME, sseSchema, stdioSchema } from './schema';
import type { Binding, Server } from './server';

/** Where the servers file is, below the workspace folder. */
export const SERVERS_FILE = '.vscode/mcp-secrets.json';

/** Something wrong in the servers file. */
export interface Problem {
  /** A sentence that says what is wrong. */
  readonly message: string;
  /** Where, in UTF-16 units from the start of the text. */
  readonly offset: number;
  readonly length: number;
  /** The line of `offset`, counted from 1. */
  readonly line: number;
  /** The server that cannot be used because of it; absent: it is in no server. Whether any can be used then is in `spoiled`. */
  readonly server?: string;
}

/** What a servers file says. A server with a problem is in `problems`, not in `servers`. */
export interface ServersFile {
  readonly servers: ReadonlyMap<string, Server>;
  readonly problems: readonly Problem[];
  /** Set if nothing of it could be read: what it says of servers is not known. */
  readonly spoiled?: true;
}

type Schema = ReturnType<typeof httpSchema | typeof sseSchema | typeof stdioSchema | typeof functionSchema>;
type Add = (message: string, offset: number, length: number, server?: string) => void;
type Report = (message: string, node: Node | undefined, server?: string) => void;

/** What a file without text, or no file, says. */
export const EMPTY_FILE: ServersFile = { servers: new Map(), problems: [] };

/**
 * Reads a servers file (JSON with comments and trailing commas). Never throws: what is wrong is in `problems`.
 * A syntax error spoils the whole file, and so do nesting without end, no object with `servers`, and more than 200 problems; a problem in
 * a server spoils that server, any other none. A file without text is no spoiled one: it has no servers.
 * @param folder the absolute path of the workspace folder, for `${workspaceFolder}` and relative folders.
 */
export function parseServersFile(text: string, folder: string): ServersFile {
  if (text.trim() === '') return EMPTY_FILE;
  const problems: Problem[] = [];
  const lines = new TextLines(text);
  const add = (message: string, offset: number, length: number, server?: string): void => {
    const isLast = problems.length === MAX_PROBLEMS;
    const what = isLast
      ? { message: 'There are more problems. The file is not read any further.' }
      : { message, ...(server === undefined ? {} : { server }) };
    problems.push({ ...what, offset, length, line: lines.at(offset).line + 1 });
    if (isLast) throw new TooManyProblems();
  };
  try {
    const servers = readServers(text, folder, add);
    return servers === undefined ? { servers: new Map(), problems, spoiled: true } : { servers, problems };
  } catch (error) {
    if (!(error instanceof TooManyProblems)) throw error;
    return { servers: new Map(), problems, spoiled: true };
  }
}

/** A repository ships the file: whoever reads it must come to an end. */
const MAX_PROBLEMS = 200;
class TooManyProblems extends Error {}

/** `undefined` if there is nothing to read them from. */
function readServers(text: string, folder: string, add: Add): Map<string, Server> | undefined {
  const report: Report = (message, node, server) => {
    add(message, node?.offset ?? 0, node?.length ?? 1, server);
  };
  const deep = tooDeep(text);
  if (deep !== undefined) {
    add(`The file is nested more than ${String(MAX_DEPTH)} levels deep.`, deep, 1);
    return undefined;
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  for (const error of errors) add(`Syntax error: ${sentence(printParseErrorCode(error.error))}.`, error.offset, Math.max(error.length, 1));
  if (errors.length > 0 || root === undefined) return undefined;
  if (root.type !== 'object') {
    report('The file must hold an object with "servers".', root);
    return undefined;
  }
  const nodes = readRoot(root, report);
  if (nodes === undefined) return undefined;
  const servers = new Map<string, Server>();
  for (const [name, node] of nodes) {
    const server = readServer(name, node, folder, (message, at) => {
      report(message, at ?? node, name);
    });
    if (server !== undefined) servers.set(name, server);
  }
  return servers;
}

/** Readers go down into what is nested; beyond this they would not come back. */
const MAX_DEPTH = 200;

/** Where the text goes deeper than that. */
function tooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const offset = scanner.getTokenOffset();
    if (scanner.getTokenLength() === 1 && '{['.includes(text.charAt(offset))) depth += 1;
    else if (scanner.getTokenLength() === 1 && '}]'.includes(text.charAt(offset))) depth -= 1;
    if (depth > MAX_DEPTH) return offset;
  }
  return undefined;
}

/** The servers of the file by name, if it has any place for them. Names that are wrong or used twice are reported and left out. */
function readRoot(root: Node, report: Report): Map<string, Node> | undefined {
  const found = new Map<string, Node>();
  const twice = new Set<string>();
  let servers: Node | undefined;
  for (const [key, value, keyNode] of properties(root)) {
    if (key === 'servers' && servers !== undefined) report('"servers" is given twice.', keyNode);
    else if (key === 'servers') servers = value;
    else if (key === 'inputs') report('"inputs" are not used here: add a secret instead and bind it under "secrets".', keyNode);
    else if (key !== '$schema') report(`Unknown field "${key}".`, keyNode);
  }
  if (servers?.type !== 'object') {
    if (servers === undefined) report('The file has no "servers".', root);
    else report('"servers" must be an object.', servers);
    return undefined;
  }
  for (const [name, value, keyNode] of properties(servers)) {
    if (!SERVER_NAME.test(name)) {
      report('A server name has 1 to 64 letters, digits, ".", "_" or "-", and starts with a letter or digit.', keyNode, name);
    } else if (found.has(name) || twice.has(name)) {
      report(`There are two servers named "${name}". Neither is used until one of them has another name.`, keyNode, name);
      found.delete(name);
      twice.add(name);
    } else found.set(name, value);
  }
  return found;
}

function readServer(name: string, node: Node, folder: string, report: (message: string, at?: Node) => void): Server | undefined {
  let problems = 0;
  const fail = (message: string, at?: Node): void => {
    problems += 1;
    report(message, at);
  };
  if (node.type !== 'object') {
    fail('A server must be an object.');
    return undefined;
  }
  for (const keyNode of repeatedKeys(node)) fail(`"${String(keyNode.value)}" is given twice.`, keyNode);
  const schema = schemaOf(node, fail);
  if (schema === undefined) return undefined;
  const result = (schema as z.ZodType<ServerFields>).safeParse(valueOf(node));
  if (!result.success) {
    for (const issue of result.error.issues) reportIssue(issue, node, fail);
    return undefined;
  }
  const server = toServer(name, result.data, node, folder, fail);
  return problems > 0 ? undefined : server;
}

/** What any of the three schemas lets through. */
type Fields<S extends () => z.ZodType> = Partial<Omit<z.infer<ReturnType<S>>, 'type'>>;
type ServerFields = Fields<typeof httpSchema> &
  Fields<typeof stdioSchema> &
  Fields<typeof functionSchema> & { type?: Server['type'] | 'sse' };

function schemaOf(node: Node, fail: (message: string, at?: Node) => void): Schema | undefined {
  const typeNode = findNodeAtLocation(node, ['type']);
  const type: unknown =
    typeNode?.value ?? (findNodeAtLocation(node, ['command']) ? 'stdio' : findNodeAtLocation(node, ['url']) ? 'http' : undefined);
  switch (type) {
    case 'http':
      return httpSchema();
    case 'stdio':
      return stdioSchema();
    case 'function':
      return functionSchema();
    case 'sse':
      return sseSchema();
    case undefined:
      fail('A server needs a "type" ("http", "sse", "stdio" or "function") with a "url" or a "command".');
      return undefined;
    default:
      fail('The type must be "http", "sse", "stdio" or "function".', typeNode);
      return undefined;
  }
}

function reportIssue(issue: z.core.$ZodIssue, node: Node, fail: (message: string, at?: Node) => void): void {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const at = nearest(node, path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) fail(`Unknown field "${key}".`, findNodeAtLocation(node, [...path, key])?.parent?.children?.[0] ?? at);
  } else if (issue.code === 'invalid_union' && issue.message === UNION) {
    // A binding: what is wrong with it depends on whether it was meant as a mode or as an object.
    const branch = issue.errors[at.type === 'object' ? 1 : 0] ?? [];
    for (const inner of branch) reportIssue({ ...inner, path: [...issue.path, ...inner.path] }, node, fail);
  } else if (issue.code === 'invalid_key') {
    fail(issue.issues[0]?.message ?? issue.message, at.parent?.children?.[0] ?? at);
  } else {
    const missing = issue.code === 'invalid_type' && findNodeAtLocation(node, path) === undefined;
    const problem = issue.code === 'invalid_type' ? `This must be ${KINDS[issue.expected] ?? issue.expected}.` : sentence(issue.message);
    fail(missing ? `"${String(path.at(-1))}" is missing.` : problem, at);
  }
}

/** What zod says of a union that has no words of its own. */
const UNION = 'Invalid input';

/** What a path leads to, or the last thing on it that is there. */
function nearest(node: Node, path: readonly (string | number)[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const found = findNodeAtLocation(node, path.slice(0, length));
    if (found !== undefined) return found;
  }
  return node;
}

/** What must stand somewhere, in words. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  number: 'a number',
};

function toServer(name: string, fields: ServerFields, node: Node, folder: string, fail: (message: string, at?: Node) => void): Server {
  const expand = (text: string, ...path: (string | number)[]): string =>
    text.replace(/\$\{([^}]*)\}/g, (whole, variable: string) => {
      if (variable === 'workspaceFolder') return folder;
      if (variable === 'userHome') return homedir();
      fail(`${whole} is not available here. Known: \${workspaceFolder}, \${userHome}.`, findNodeAtLocation(node, path));
      return whole;
    });
  const kind = fields.type ?? (fields.command === undefined ? 'http' : 'stdio');
  const type = kind === 'sse' ? 'http' : kind;
  const bindings = readBindings(fields.secrets ?? {}, type, node, fail);
  const scope = fields.scope ?? DEFAULT_SCOPE;
  const policy =
    fields.policy === undefined
      ? {}
      : {
          policy: toPolicy(fields.policy, (message, path) => {
            fail(message, nearest(node, ['policy', ...path]));
          }),
        };
  const protocol = fields.protocol === undefined ? {} : { protocol: fields.protocol };
  const limits = fields.limits === undefined ? {} : { limits: readLimits(fields.limits) };
  if (type === 'stdio') {
    const env = Object.entries(fields.env ?? {}).map(
      ([key, value]) => [key, value === null ? null : expand(String(value), 'env', key)] as const,
    );
    const cwd = fields.cwd === undefined ? folder : expand(fields.cwd, 'cwd');
    return {
      name,
      type,
      bindings,
      scope,
      ...limits,
      ...policy,
      ...protocol,
      command: expand(fields.command ?? '', 'command'),
      args: (fields.args ?? []).map((arg, i) => expand(arg, 'args', i)),
      env: Object.fromEntries(env),
      cwd: isAbsolute(cwd) ? cwd : resolve(folder, cwd),
    };
  }
  const headers = Object.entries(fields.headers ?? {}).map(([key, value]) => [key, expand(value, 'headers', key)] as const);
  const remote = {
    name,
    bindings,
    scope,
    ...limits,
    ...policy,
    url: expand(fields.url ?? '', 'url'),
    headers: Object.fromEntries(headers),
  };
  if (type === 'http') return { ...remote, type, ...protocol, ...(kind === 'sse' ? { transport: kind } : {}) };
  const tools = (fields.tools ?? []).map((tool) => ({ ...tool, inputSchema: tool.inputSchema ?? { type: 'object' } }));
  return { ...remote, type, tools };
}

/** Each is held against the others. */
const MAX_SECRETS = 256;

function readBindings(
  secrets: NonNullable<ServerFields['secrets']>,
  type: Server['type'],
  node: Node,
  fail: (message: string, at?: Node) => void,
): Binding[] {
  const bindings: Binding[] = [];
  const list = findNodeAtLocation(node, ['secrets']);
  const nodes = new Map(list === undefined ? [] : properties(list).map(([key, ...both]) => [key, both] as const));
  if (nodes.size > MAX_SECRETS) {
    fail(`A server can have ${String(MAX_SECRETS)} secrets at most.`, list);
    return [];
  }
  for (const [key, spec] of Object.entries(secrets)) {
    const [valueNode, keyNode] = nodes.get(key) ?? [];
    try {
      const binding = resolveBinding(normalizeName(key), typeof spec === 'string' ? { as: spec } : spec, type);
      if ('problem' in binding) fail(binding.problem, valueNode);
      else if (bindings.some((b) => b.secret === binding.secret)) fail(`The secret ${binding.secret} is bound twice.`, keyNode);
      else if (bindings.some((b) => targetKey(b) === targetKey(binding))) fail(`Two secrets are sent as "${binding.name}".`, valueNode);
      else bindings.push(binding);
    } catch (error) {
      if (!isSecretsError(error)) throw error;
      fail(error.message, keyNode);
    }
  }
  return bindings;
}

function targetKey({ mode, name }: Binding): string {
  return mode === 'header' || mode === 'bearer' ? `header ${name.toLowerCase()}` : `${mode} ${name}`;
}

function properties(node: Node): [key: string, value: Node, keyNode: Node][] {
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    return key && value ? [[String(key.value), value, key] as [string, Node, Node]] : [];
  });
}

/** The keys that an object (or one inside it) has a second time: readers disagree on which one counts. */
function repeatedKeys(node: Node): Node[] {
  if (node.type === 'array') return (node.children ?? []).flatMap(repeatedKeys);
  if (node.type !== 'object') return [];
  const seen = new Set<string>();
  return properties(node).flatMap(([key, value, keyNode]) => {
    const again = seen.has(key) ? [keyNode] : [];
    seen.add(key);
    return [...again, ...repeatedKeys(value)];
  });
}

/** The value of a node, with no prototype to pollute. */
function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf);
  if (node.type !== 'object') return node.value;
  return Object.fromEntries(properties(node).map(([key, value]) => [key, valueOf(value)]));
}

function sentence(text: string): string {
  const spaced = text.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').trim();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
