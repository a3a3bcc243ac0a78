import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import type { FormattingOptions } from 'jsonc-parser';
import { SecretsError } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { BindingSpec } from './binding';
import { resolveBinding } from './binding';
import type { Server } from './server';
import { SERVER_NAME } from './schema';
import { EMPTY_FILE, parseServersFile } from './serversFile';

/** A server as it is written into the servers file. */
export type ServerSource = { scope?: string } & (
  | { type: 'http'; url: string; headers?: Record<string, string> }
  | { type: 'stdio'; command: string; args?: string[]; env?: Record<string, string>; cwd?: string }
  | {
      type: 'function';
      url: string;
      headers?: Record<string, string>;
      tools: { name: string; description?: string; inputSchema?: object }[];
    }
);

/** The secrets of a server by normalised name. */
export type BindingSpecs = Readonly<Record<string, BindingSpec>>;

/**
 * The text of a servers file with one server added (or replaced, if it has the name already). Comments and
 * everything else stay as they are; an empty or missing file becomes a whole one.
 * @throws SecretsError `serverNameInvalid`; `serversFileInvalid` if the text has a syntax error; `serverInvalid` if the result would not be valid.
 */
export function putServer(text: string, name: string, source: ServerSource, secrets: BindingSpecs): string {
  return putEntry(text, name, { ...source, ...(Object.keys(secrets).length > 0 ? { secrets: shorten(secrets) } : {}) });
}

/** As `putServer`, for a server in the form in which a servers file has it. */
export function putEntry(text: string, name: string, entry: unknown): string {
  if (!SERVER_NAME.test(name)) throw new SecretsError('serverNameInvalid', { server: name });
  return checked(edit(text, ['servers', name], entry), name);
}

/** The text with the bindings of one server replaced. @throws as `putServer`, and `serverUnknown`. */
export function putBindings(text: string, name: string, secrets: BindingSpecs): string {
  requireServer(text, name);
  return checked(edit(text, ['servers', name, 'secrets'], Object.keys(secrets).length > 0 ? shorten(secrets) : undefined), name);
}

/** The text with the address of one server replaced. @throws as `putBindings`. */
export function putUrl(text: string, name: string, url: string): string {
  requireServer(text, name);
  return checked(edit(text, ['servers', name, 'url'], url), name);
}

/** The text with the scope of one server replaced; the default scope is not written down. @throws as `putBindings`. */
export function putScope(text: string, name: string, scope: string | undefined): string {
  requireServer(text, name);
  return checked(edit(text, ['servers', name, 'scope'], scope === DEFAULT_SCOPE ? undefined : scope), name);
}

/** Whether a servers file has a server of this name, be it one with problems. */
export function hasServer(text: string, name: string): boolean {
  const { servers, problems } = parseServersFile(text, '/');
  return servers.has(name) || problems.some((problem) => problem.server === name);
}

/** The text without one server. Works on servers that have problems. @throws SecretsError `serverUnknown`, `serversFileInvalid`. */
export function removeServer(text: string, name: string): string {
  requireServer(text, name);
  return edit(text, ['servers', name], undefined);
}

/** The bindings of a server in the form in which they are written. */
export function specsOf(server: Server): Record<string, BindingSpec> {
  return Object.fromEntries(
    server.bindings.map(({ secret, mode, name, template, tools }) => {
      const plain = resolveBinding(secret, { as: mode }, server.type);
      const defaults = 'problem' in plain ? undefined : plain;
      return [
        secret,
        {
          as: mode,
          ...(name === defaults?.name ? {} : { name }),
          ...(template === defaults?.template ? {} : { template }),
          ...(tools === undefined ? {} : { tools }),
        },
      ];
    }),
  );
}

function shorten(secrets: BindingSpecs): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, spec]) => [
      name,
      spec.name === undefined && spec.template === undefined && spec.tools === undefined ? spec.as : spec,
    ]),
  );
}

function edit(text: string, path: string[], value: unknown): string {
  refuseSyntaxErrors(text);
  const base = text.trim() === '' ? '{\n  "servers": {}\n}\n' : text;
  refuseOtherShapes(base, path);
  return applyEdits(base, modify(base, path, value, { formattingOptions: formattingOf(base) }));
}

/** Edits of a text that does not parse would land in the wrong place. */
function refuseSyntaxErrors(text: string): void {
  const { problems } = text.trim() === '' ? EMPTY_FILE : parseServersFile(text, '/');
  const problem = problems.find((p) => p.server === undefined && /^(?:Syntax error|The file is nested)/.test(p.message));
  if (problem !== undefined)
    throw new SecretsError('serversFileInvalid', { path: 'The servers file', line: problem.line, problem: problem.message });
}

/** There must be an object to put something into. */
function refuseOtherShapes(text: string, path: readonly string[]): void {
  const root = parseTree(text);
  for (const [depth] of path.entries()) {
    const place = root && findNodeAtLocation(root, path.slice(0, depth));
    if (place === undefined || place.type === 'object') continue;
    const problem = `${depth === 0 ? 'The whole of it' : `"${path[depth - 1] ?? ''}"`} must be an object.`;
    throw new SecretsError('serversFileInvalid', {
      path: 'The servers file',
      line: text.slice(0, place.offset).split('\n').length,
      problem,
    });
  }
}

function requireServer(text: string, name: string): void {
  refuseSyntaxErrors(text);
  if (!hasServer(text, name)) {
    throw new SecretsError('serverUnknown', { server: name, known: [...parseServersFile(text, '/').servers.keys()] });
  }
}

function checked(text: string, name: string): string {
  const problem = parseServersFile(text, '/').problems.find((p) => p.server === name);
  if (problem !== undefined) throw new SecretsError('serverInvalid', { server: name, line: problem.line, problem: problem.message });
  return text;
}

/** Writes in the style of the file: its indentation and line ends. */
function formattingOf(text: string): FormattingOptions {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 4 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
