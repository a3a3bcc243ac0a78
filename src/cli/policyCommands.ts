import type { CallGrant } from '../bindings/callGrants';
import { planDigest } from '../bindings/plan';
import { rulesThatAsk } from '../bindings/policy';
import { systemClock } from '../shared/clock';
import { SecretsError } from '../shared/errors';
import { visible } from '../shared/visible';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/** `policy allow`: calls of a tool that the policy asks about are made from now on, until the server or its policy changes. */
export async function allowCalls(input: Arguments, name: string, tool: string, { servers, grants }: Headless): Promise<string> {
  allowOptions(input, ['agent']);
  const { agent } = input.options;
  const server = servers.get(name);
  const rules = server.policy === undefined ? [] : rulesThatAsk(server.policy, tool);
  if (rules.length === 0) throw new SecretsError('nothingAsks', { server: name, tool });
  for (const rule of rules) await grants.grant({ server, tool, agent, rule }, 'cli', systemClock.now());
  return `Calls of "${visible(tool)}" of server "${name}" by ${agentWords(agent)} are made without asking, until the server or its policy changes.\n`;
}

/** `policy list`: what was allowed for good. */
export function listGrants(input: Arguments, { servers, grants }: Headless): string {
  allowOptions(input, ['json']);
  const current = servers.file().servers;
  const all = grants.list().map((grant) => {
    const server = current.get(grant.server);
    return { ...grant, counts: server !== undefined && planDigest(server) === grant.plan };
  });
  if (input.options.json === true)
    return `${JSON.stringify(all.map(({ grantedAt, ...grant }) => ({ ...grant, grantedAt: new Date(grantedAt).toISOString() })))}\n`;
  if (all.length === 0) return 'No calls are allowed for good.\n';
  return table(['SERVER', 'TOOL', 'AGENT', 'SINCE', ''], all.map(row));
}

/** `policy revoke`: takes back what was allowed for good. */
export async function revokeGrants(input: Arguments, name: string, more: readonly string[], { grants }: Headless): Promise<string> {
  allowOptions(input, ['agent']);
  const tool = oneMore(more);
  const { agent } = input.options;
  const which = { server: name, ...(tool === undefined ? {} : { tool }), ...(agent === undefined ? {} : { agent }) };
  const count = await grants.revoke(which, 'cli');
  return count === 0 ? 'Nothing of that was allowed.\n' : `Taken back: ${String(count)}. Such calls need consent again.\n`;
}

/** An operand that may be left out. @throws SecretsError `usage` if there are several. */
export function oneMore([first, second]: readonly string[]): string | undefined {
  if (second !== undefined) throw new SecretsError('usage', { problem: `"${second}" is one word too many.` });
  return first;
}

function row({ server, tool, agent, grantedAt, counts }: CallGrant & { readonly counts: boolean }): string[] {
  const since = `${new Date(grantedAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return [server, tool, agent ?? '(every agent)', since, counts ? '' : 'ended: the server has changed'];
}

function agentWords(agent: string | undefined): string {
  return agent === undefined ? 'every agent' : `the agent "${visible(agent)}"`;
}
