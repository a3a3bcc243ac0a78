import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client as V2Client, StreamableHTTPClientTransport as V2Transport } from '@modelcontextprotocol/client';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { credentialName } from '../shared/credential';
import { proxyVariable } from './access';
import type { ProxyAccess } from './access';
import { explore } from './explore';
import type { Explorer } from './explore';

/*
 * The client of the suite's client scenarios: `agent legacy|modern SERVER_URL`. Told in its environment where a proxy is, it adds
 * the server there, as a user would, and goes through the proxy.
 */

const info = { name: 'conformance-agent', version: '1.0.0' };
const capabilities = { elicitation: { form: { applyDefaults: true } } };
const accepted = { action: 'accept' as const, content: {} };

async function legacy(url: URL, headers: Record<string, string>): Promise<Explorer> {
  const client = new V1Client(info, { capabilities });
  client.setRequestHandler(ElicitRequestSchema, () => accepted);
  await client.connect(new V1Transport(url, { requestInit: { headers } }));
  return client;
}

async function modern(url: URL, headers: Record<string, string>): Promise<Explorer> {
  const client = new V2Client(info, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } });
  client.setRequestHandler('elicitation/create', () => accepted);
  await client.connect(new V2Transport(url, { requestInit: { headers } }));
  return client;
}

/** Adds the server to the proxy's servers. @returns where it is there. */
function behindProxy({ cli, cwd, env, url, protocol }: ProxyAccess, address: string): URL {
  const name = `server-${new URL(address).port}`;
  const file = join(cwd, '.vscode', 'mcp-secrets.json');
  const { servers } = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { servers: object }) : { servers: {} };
  const entry = { type: 'http', url: address, ...(protocol === undefined ? {} : { protocol }), secrets: { [credentialName]: 'header' } };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ servers: { ...servers, [name]: entry } }));
  execFileSync(process.execPath, [cli, 'server', 'approve', name], { cwd, env });
  return new URL(`/mcp/${name}`, url);
}

async function main([era, address = '']: readonly string[]): Promise<void> {
  const given = process.env[proxyVariable];
  const proxy = given === undefined ? undefined : (JSON.parse(given) as ProxyAccess);
  const url = proxy === undefined ? new URL(address) : behindProxy(proxy, address);
  const headers: Record<string, string> = proxy === undefined ? {} : { authorization: `Bearer ${proxy.token}` };
  const client = await (era === 'modern' ? modern : legacy)(url, headers);
  await explore(client, JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}') as Parameters<typeof explore>[1]);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
