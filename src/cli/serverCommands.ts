import type { AuditAction } from '../audit/entry';
import { hasServer, putBindings, putScope, putServer, putUrl, removeServer as removeFromText } from '../bindings/edit';
import type { ServerSource } from '../bindings/edit';
import { describeBinding, describePlan } from '../bindings/plan';
import { checkSendable } from '../bindings/sendable';
import type { Server } from '../bindings/server';
import { parseServersFile } from '../bindings/serversFile';
import { SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { DEFAULT_SCOPE } from '../vault/secret';
import { allowOptions, bindingOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/**
 * `server add`. On the command line, adding is approving: the user has just typed the plan.
 * @throws SecretsError `serverExists`: the server of that name may have a policy and limits, which would be gone.
 */
export async function addServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  allowOptions(input, ['url', 'secret', 'scope']);
  const source = sourceOf(input);
  const bindings = bindingOptions(input.options.secret ?? [], source.type);
  const add = (text: string): string => {
    if (hasServer(text, name)) throw new SecretsError('serverExists', { server: name });
    return putServer(text, name, source, bindings);
  };
  const { server } = await change(headless, name, 'server.add', add, () => true);
  return `${describePlan(server).join('\n')}\nServer "${name}" is added and approved.\n${missingHint(headless, server)}`;
}

/**
 * `server update`: the address, the scope, the bindings, each if it is given; what is not stays as it is. A server that was approved
 * stays so; one that was not must still be approved.
 */
export async function updateServer(input: Arguments, name: string, headless: Headless): Promise<string> {
  const { url, secret, scope } = input.options;
  allowOptions(input, ['url', 'secret', 'scope']);
  const before = headless.servers.get(name);
  if ((url ?? secret ?? scope) === undefined) throw new SecretsError('usage', { problem: 'Give --url, --secret or --scope.' });
  const bindings = secret && bindingOptions(secret, before.type);
  const { server, note } = await replace(headless, name, 'server.update', (text) => {
    let next = text;
    if (url !== undefined) next = putUrl(next, name, url);
    if (scope !== undefined) next = putScope(next, name, scope);
    if (bindings !== undefined) next = putBindings(next, name, bindings);
    return next;
  });
  return `${describePlan(server).join('\n')}\nServer "${name}" is updated${note}.\n${missingHint(headless, server)}`;
}

/** `server scope`: open sessions go on with the secrets of the other scope. An approval stays, as with `server update`. */
export async function switchScope(input: Arguments, name: string, scope: string, headless: Headless): Promise<string> {
  allowOptions(input, []);
  // It must be set up correctly.
  headless.servers.get(name);
  const { server, note } = await replace(headless, name, 'scope.switch', (text) => putScope(text, name, scope));
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
    ({ server, line, problem }) => `${visible(`Line ${String(line)}${server === undefined ? '' : ` (${server})`}: ${problem}`)}\n`,
  );
  if (rows.length === 0 && lines.length === 0) return 'No servers. Add one with "mcp-secrets server add NAME".\n';
  return `${rows.length > 0 ? table(['NAME', 'TYPE', 'STATE', 'SECRETS', 'TARGET'], rows) : ''}${lines.join('')}`;
}

/** `server remove`. */
export async function removeServer(input: Arguments, name: string, { servers, approvals, audit }: Headless): Promise<string> {
  allowOptions(input, []);
  // Before a folder is made for a file that is not there.
  removeFromText(servers.text(), name);
  await servers.edit((text, write) => write(removeFromText(text, name)));
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

/** Changes a server. If the plan before was approved, the new one is; else the note says that it is not. */
async function replace(headless: Headless, name: string, action: AuditAction, edit: Edit): Promise<{ server: Server; note: string }> {
  const { approvals } = headless;
  const { server, approved } = await change(headless, name, action, edit, (before) => before !== undefined && approvals.isApproved(before));
  return { server, note: approved ? '' : `, and not approved yet: "mcp-secrets server approve ${name}"` };
}

/** What becomes of the text of the servers file. */
type Edit = (text: string) => string;

/**
 * Changes a server in the servers file, on record. Others may do so at the same time: what takes long, or asks for a passphrase, is done
 * with the file as it is now, then the edit with the file as it is when nobody else can change it.
 * @param approves whether the new plan is approved, by the server that was there before.
 */
async function change(
  { servers, vaults, approvals, audit }: Headless,
  name: string,
  action: AuditAction,
  edit: Edit,
  approves: (before: Server | undefined) => boolean,
): Promise<{ server: Server; approved: boolean }> {
  const find = (text: string): Server | undefined => parseServersFile(text, servers.folder).servers.get(name);
  const edited = (text: string): [next: string, server: Server] => {
    const next = edit(text);
    const server = find(next);
    if (server === undefined) throw new SecretsError('serverUnknown', { server: name, known: [] });
    return [next, server];
  };
  const [, planned] = edited(servers.text());
  await checkSendable(vaults, planned);
  return servers.edit(async (text, write) => {
    const [next, server] = edited(text);
    const approved = approves(find(text));
    write(next);
    const secrets = server.bindings.map((b) => b.secret);
    audit.record({ actor: 'cli', action, server: name, ...scopeOf(server), secrets, outcome: 'ok' });
    if (approved) await approvals.approve(server, 'cli');
    return { server, approved };
  });
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
