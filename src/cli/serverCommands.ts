import type { AuditAction } from '../audit/entry';
import { putBindings, putScope, putServer, putUrl, removeServer as removeFromText } from '../bindings/edit';
import type { ServerSource } from '../bindings/edit';
import { describeBinding, describePlan } from '../bindings/plan';
import { checkSendable } from '../bindings/sendable';
import type { Server } from '../bindings/server';
import { parseServersFile } from '../bindings/serversFile';
import { writeFileAtomic } from '../shared/atomicFile';
import { reasonOf, SecretsError } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import { allowOptions, bindingOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/** `server add`. On the command line, adding is approving: the user has just typed the plan. */
export async function addServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  allowOptions(input, ['url', 'secret', 'scope']);
  const source = sourceOf(input);
  const text = putServer(headless.servers.text(), name, source, bindingOptions(input.options.secret ?? [], source.type));
  const server = await write(headless, text, name, 'server.add');
  await headless.approvals.approve(server, 'cli');
  return `${describePlan(server).join('\n')}\nServer "${name}" is added and approved.\n${missingHint(headless, server)}`;
}

/** `server update`. A server that was approved stays so; one that was not must still be approved. */
export async function updateServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  const { url, secret, scope } = input.options;
  allowOptions(input, ['url', 'secret', 'scope']);
  const before = headless.servers.get(name);
  let text = headless.servers.text();
  if (url !== undefined) text = putUrl(text, name, url);
  if (scope !== undefined) text = putScope(text, name, scope);
  text = putBindings(text, name, bindingOptions(secret ?? [], before.type));
  const [server, note] = await replace(headless, before, text, 'server.update');
  return `${describePlan(server).join('\n')}\nServer "${name}" is updated${note}.\n${missingHint(headless, server)}`;
}

/** `server scope`: open sessions go on with the secrets of the other scope. An approval stays, as with `server update`. */
export async function switchScope(input: Arguments, name: string, scope: string, headless: Headless): Promise<string> {
  allowOptions(input, []);
  const before = headless.servers.get(name);
  const [server, note] = await replace(headless, before, putScope(headless.servers.text(), name, scope), 'scope.switch');
  process.stderr.write(missingHint(headless, server));
  return `Server "${name}" uses the secrets of the scope "${server.scope}"${note}.\n`;
}

/** `server list`. */
export function listServers(input: Arguments, { servers, approvals }: Headless): string {
  allowOptions(input, ['json']);
  const file = servers.file();
  const listed = [...file.servers.values()].map((server) => ({
    name: server.name,
    type: server.type,
    target: server.type === 'stdio' ? [server.command, ...server.args].join(' ') : server.url,
    secrets: server.bindings.map(({ secret, mode, name }) => ({ name: secret, as: mode, sentAs: name })),
    ...scopeOf(server),
    approved: approvals.isApproved(server),
  }));
  const problems = file.problems.map(({ server, line, message }) => ({
    ...(server === undefined ? {} : { server }),
    line,
    problem: message,
  }));
  if (input.options.json === true) return `${JSON.stringify({ servers: listed, problems })}\n`;
  const rows = listed.map((s) => [
    s.name,
    s.type,
    s.approved ? 'approved' : 'not approved',
    s.secrets.map((b) => (s.scope === undefined ? b.name : `${s.scope}/${b.name}`)).join(',') || '-',
    s.target,
  ]);
  const lines = problems.map(
    ({ server, line, problem }) => `Line ${String(line)}${server === undefined ? '' : ` (${server})`}: ${problem}\n`,
  );
  if (rows.length === 0 && lines.length === 0) return 'No servers. Add one with "mcp-secrets server add NAME".\n';
  return `${rows.length > 0 ? table(['NAME', 'TYPE', 'STATE', 'SECRETS', 'TARGET'], rows) : ''}${lines.join('')}`;
}

/** `server remove`. */
export async function removeServer(input: Arguments, name: string, { servers, approvals, audit }: Headless): Promise<string> {
  allowOptions(input, []);
  save(servers.path, removeFromText(servers.text(), name));
  audit.record({ actor: 'cli', action: 'server.remove', server: name, outcome: 'ok' });
  await approvals.revoke(name, 'cli');
  return `Server "${name}" is removed. Its secrets are still in the vault.\n`;
}

/** `server approve`: shows the plan whole, then approves exactly that. */
export async function approveServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  allowOptions(input, []);
  const server = headless.servers.get(name);
  await checkSendable(headless.vaults, server);
  await headless.approvals.approve(server, 'cli');
  return `${describePlan(server).join('\n')}\nServer "${name}" is approved.\n${missingHint(headless, server)}`;
}

function sourceOf({ options, command }: Arguments): ServerSource {
  const scope = options.scope === undefined || options.scope === DEFAULT_SCOPE ? {} : { scope: options.scope };
  const [program, ...args] = command ?? [];
  if (options.url !== undefined && program === undefined) return { type: 'http', url: options.url, ...scope };
  if (options.url === undefined && program !== undefined)
    return { type: 'stdio', command: program, ...(args.length > 0 ? { args } : {}), ...scope };
  throw new SecretsError('usage', { problem: 'Give either --url URL or a command after "--".' });
}

/** Writes a changed server. If the plan before was approved, the new one is; else the note says that it is not. */
async function replace(headless: Headless, before: Server, text: string, action: AuditAction): Promise<[server: Server, note: string]> {
  const { approvals } = headless;
  const wasApproved = approvals.isApproved(before);
  const server = await write(headless, text, before.name, action);
  if (wasApproved) await approvals.approve(server, 'cli');
  return [server, wasApproved ? '' : `, and not approved yet: "mcp-secrets server approve ${before.name}"`];
}

async function write({ servers, vaults, audit }: Headless, text: string, name: string, action: AuditAction): Promise<Server> {
  const server = parseServersFile(text, servers.folder).servers.get(name);
  if (server === undefined) throw new SecretsError('serverUnknown', { server: name, known: [] });
  await checkSendable(vaults, server);
  save(servers.path, text);
  const secrets = server.bindings.map((b) => b.secret);
  audit.record({ actor: 'cli', action, server: name, ...scopeOf(server), secrets, outcome: 'ok' });
  return server;
}

function save(path: string, text: string): void {
  try {
    writeFileAtomic(path, text, { shared: true });
  } catch (error) {
    throw new SecretsError('storeFailed', { path, reason: reasonOf(error) });
  }
}

/** The scope of a server, where it is not the default one. */
function scopeOf({ scope }: Server): { scope?: string } {
  return scope === DEFAULT_SCOPE ? {} : { scope };
}

/** Bound secrets that are not there yet: calls would fail. */
function missingHint({ vaults }: Headless, server: Server): string {
  const missing = server.bindings.filter((b) => vaults.infoOf(b.secret, server.scope) === undefined);
  const option = server.scope === DEFAULT_SCOPE ? '' : ` --scope ${server.scope}`;
  return missing.map((b) => `Not set yet: ${describeBinding(b)}. "mcp-secrets secret set ${b.secret}${option}" sets it.\n`).join('');
}
