import type { AuditAction } from '../audit/entry';
import { putBindings, putServer, putUrl, removeServer as removeFromText } from '../bindings/edit';
import type { ServerSource } from '../bindings/edit';
import { describeBinding, describePlan } from '../bindings/plan';
import { checkSendable } from '../bindings/sendable';
import type { Server } from '../bindings/server';
import { parseServersFile } from '../bindings/serversFile';
import { writeFileAtomic } from '../shared/atomicFile';
import { reasonOf, SecretsError } from '../shared/errors';
import { allowOptions, bindingOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/** `server add`. On the command line, adding is approving: the user has just typed the plan. */
export async function addServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  allowOptions(input, ['url', 'secret']);
  const source = sourceOf(input);
  const text = putServer(headless.servers.text(), name, source, bindingOptions(input.options.secret ?? [], source.type));
  const server = await write(headless, text, name, 'server.add');
  await headless.approvals.approve(server, 'cli');
  return `${describePlan(server).join('\n')}\nServer "${name}" is added and approved.\n${missingHint(headless, server)}`;
}

/** `server update`. A server that was approved stays so; one that was not must still be approved. */
export async function updateServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  allowOptions(input, ['url', 'secret']);
  const before = headless.servers.get(name);
  const wasApproved = headless.approvals.isApproved(before);
  const withUrl = input.options.url === undefined ? headless.servers.text() : putUrl(headless.servers.text(), name, input.options.url);
  const text = putBindings(withUrl, name, bindingOptions(input.options.secret ?? [], before.type));
  const server = await write(headless, text, name, 'server.update');
  if (wasApproved) await headless.approvals.approve(server, 'cli');
  const state = wasApproved ? 'updated' : `updated, and not approved yet: "mcp-secrets server approve ${name}"`;
  return `${describePlan(server).join('\n')}\nServer "${name}" is ${state}.\n${missingHint(headless, server)}`;
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
    s.secrets.map((b) => b.name).join(',') || '-',
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
  await checkSendable(headless.vault, server);
  await headless.approvals.approve(server, 'cli');
  return `${describePlan(server).join('\n')}\nServer "${name}" is approved.\n${missingHint(headless, server)}`;
}

function sourceOf({ options, command, words }: Arguments): ServerSource {
  const [program, ...args] = command ?? [];
  if (words.length > 3)
    throw new SecretsError('usage', { problem: `"${words[3] ?? ''}" is one word too many; a command goes after "--".` });
  if (options.url !== undefined && program === undefined) return { type: 'http', url: options.url };
  if (options.url === undefined && program !== undefined) return { type: 'stdio', command: program, ...(args.length > 0 ? { args } : {}) };
  throw new SecretsError('usage', { problem: 'Give either --url URL or a command after "--".' });
}

async function write({ servers, vault, audit }: Headless, text: string, name: string, action: AuditAction): Promise<Server> {
  const server = parseServersFile(text, servers.folder).servers.get(name);
  if (server === undefined) throw new SecretsError('serverUnknown', { server: name, known: [] });
  await checkSendable(vault, server);
  save(servers.path, text);
  audit.record({ actor: 'cli', action, server: name, secrets: server.bindings.map((b) => b.secret), outcome: 'ok' });
  return server;
}

function save(path: string, text: string): void {
  try {
    writeFileAtomic(path, text, { shared: true });
  } catch (error) {
    throw new SecretsError('storeFailed', { path, reason: reasonOf(error) });
  }
}

/** Bound secrets that are not there yet: calls would fail. */
function missingHint({ vault }: Headless, server: Server): string {
  const missing = server.bindings.filter((b) => vault.versionOf(b.secret) === undefined);
  return missing.map((b) => `Not set yet: ${describeBinding(b)}. "mcp-secrets secret set ${b.secret}" sets it.\n`).join('');
}
