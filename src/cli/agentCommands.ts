import { tokenId } from '../proxy/front/agents';
import type { AgentInfo, TokenInfo } from '../proxy/front/agents';
import { parseMoment } from '../shared/duration';
import { SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { table } from './table';

/** `agent add`: a new token for an agent, new or known. It is printed here and nowhere else. */
export async function addAgent(input: Arguments, agent: string, { agents, servers }: Headless): Promise<string> {
  allowOptions(input, ['server', 'expires', 'json']);
  const expiresAt = expiryOption(input.options.expires);
  const allowed = input.options.server;
  for (const server of allowed ?? []) servers.get(server);
  const token = await agents.issue(agent, 'cli', {
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(allowed === undefined ? {} : { servers: allowed }),
  });
  if (input.options.json !== true) return `${token}\n`;
  const { servers: limited } = agents.list().find((info) => info.agent === agent) ?? {};
  const line = {
    agent,
    id: tokenId(token),
    token,
    ...(expiresAt === undefined ? {} : { expiresAt: isoOf(expiresAt) }),
    ...(limited === undefined ? {} : { servers: limited }),
  };
  return `${JSON.stringify(line)}\n`;
}

/** `agent list`: a row for each token. */
export function listAgents(input: Arguments, { agents }: Headless): string {
  allowOptions(input, ['json']);
  const listed = agents.list();
  if (input.options.json === true) return `${JSON.stringify({ agents: listed.map(jsonOf) })}\n`;
  if (listed.length === 0) return 'No agents. Give one access with "mcp-secrets agent add NAME".\n';
  const rows = listed.flatMap((info) => {
    const of = [info.agent, info.servers === undefined ? 'all' : info.servers.join(',') || 'none', info.client ?? '-'];
    const tokens = info.tokens.map(({ id, issuedAt, expiresAt, lastUsedAt }) => [id, dayOf(issuedAt), endOf(expiresAt), dayOf(lastUsedAt)]);
    return (tokens.length > 0 ? tokens : [['-', '-', '-', '-']]).map((token) => [...of, ...token]);
  });
  return table(['AGENT', 'SERVERS', 'CALLS ITSELF', 'TOKEN', 'ISSUED', 'EXPIRES', 'LAST USED'], rows);
}

/** `agent revoke`: all tokens of an agent, or one. What it has open ends within a second. */
export async function revokeAgent(input: Arguments, agent: string, { agents }: Headless): Promise<string> {
  allowOptions(input, ['token']);
  const { token } = input.options;
  await agents.revoke(agent, 'cli', token);
  return token === undefined ? `${agent} has no access any more.\n` : `The token ${token} of ${agent} is revoked.\n`;
}

/** `agent allow`: the servers that an agent may use from now on, in place of those before. */
export async function allowAgent(input: Arguments, agent: string, { agents, servers }: Headless): Promise<string> {
  allowOptions(input, ['server', 'all']);
  const { server: allowed, all } = input.options;
  if ((allowed === undefined) === (all !== true)) throw new SecretsError('usage', { problem: 'Give --server S, or --all.' });
  for (const server of allowed ?? []) servers.get(server);
  await agents.allow(agent, allowed ?? 'all', 'cli');
  return `${agent} may use ${allowed === undefined ? 'all servers' : `only ${allowed.join(', ')}`}.\n`;
}

function expiryOption(text: string | undefined): number | undefined {
  if (text === undefined || text === 'never') return undefined;
  const now = Date.now();
  const moment = parseMoment(text, now);
  if (moment === undefined || moment <= now)
    throw new SecretsError('usage', { problem: '--expires takes a span (90d, 12h), a day to come (2027-01-31), or "never".' });
  return moment;
}

function jsonOf({ tokens, ...agent }: AgentInfo): object {
  return {
    ...agent,
    tokens: tokens.map(({ id, issuedAt, expiresAt, lastUsedAt }: TokenInfo) => ({
      id,
      issuedAt: isoOf(issuedAt),
      ...(expiresAt === undefined ? {} : { expiresAt: isoOf(expiresAt), expired: expiresAt <= Date.now() }),
      ...(lastUsedAt === undefined ? {} : { lastUsedAt: isoOf(lastUsedAt) }),
    })),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

function dayOf(ms: number | undefined): string {
  return ms === undefined ? '-' : isoOf(ms).slice(0, 16).replace('T', ' ');
}

function endOf(ms: number | undefined): string {
  if (ms === undefined) return 'never';
  return ms <= Date.now() ? 'expired' : dayOf(ms);
}
