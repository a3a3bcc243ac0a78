/**
 * The product in half a minute, without an editor: a secret, a server that wants it, a call through the proxy,
 * what the server received, what the agent saw, and what was written down. `--json` prints one JSON object.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEntry } from '../../src/audit/entry';
import { newestLines } from '../../src/audit/recentEntries';
import { callAsAgent } from './agent';
import { Cli } from './cli';
import { startUpstream } from './upstream';

interface Report {
  readonly ok: boolean;
  readonly vault: { readonly files: number; readonly holdsValueInClear: boolean };
  readonly upstream: { readonly receivedHeader: string | null; readonly valueMatches: boolean; readonly agentTokenArrived: boolean };
  readonly agent: { readonly sawValue: boolean; readonly tools: readonly string[]; readonly answer: string };
  readonly audit: readonly AuditEntry[];
}

async function main(): Promise<void> {
  const json = process.argv.includes('--json');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };
  execFileSync(process.execPath, ['esbuild.js'], { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'ignore', 'inherit'] });
  const root = mkdtempSync(join(tmpdir(), 'mcp-secrets-demo-'));
  try {
    const report = await run(root, say);
    if (json) console.log(JSON.stringify(report));
    else show(report);
    process.exitCode = report.ok ? 0 : 1;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function run(root: string, say: (text: string) => void): Promise<Report> {
  const value = `demo_${randomBytes(20).toString('hex')}`;
  const workspace = mkdtempSync(join(root, 'workspace-'));
  const home = mkdtempSync(join(root, 'home-'));
  const cli = new Cli(workspace, home);
  const upstream = await startUpstream();
  try {
    say('1. A secret goes into a new vault:');
    say(indent(await cli.run(['secret', 'set', 'demo-api-key'], value)));
    say('2. A server is added that may have it, and no other:');
    say(indent(await cli.run(['server', 'add', 'demo', '--url', upstream.url, '--secret', 'demo-api-key'])));
    const serving = await cli.serve();
    try {
      say(`3. An agent calls the server's tool through the proxy at ${serving.url}/mcp/demo\n`);
      const seen = await callAsAgent(`${serving.url}/mcp/demo`, serving.token, 'whoami', { greeting: 'Hello' });
      await serving.stop();
      return measure(value, serving.token, upstream.received(), seen, home);
    } catch (error) {
      await serving.stop();
      throw error;
    }
  } finally {
    await upstream.stop();
  }
}

function measure(
  value: string,
  token: string,
  headers: readonly string[],
  seen: Awaited<ReturnType<typeof callAsAgent>>,
  home: string,
): Report {
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const contents = files.map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  const auditFile = files.find((entry) => entry.name === 'audit.jsonl');
  const audit = auditFile === undefined ? [] : newestLines(join(auditFile.parentPath, auditFile.name), Infinity).map(({ entry }) => entry);
  const receivedHeader = headers.find((name, index) => index % 2 === 0 && name.toLowerCase().startsWith('x-mcp-secret-')) ?? null;
  const upstream = {
    receivedHeader,
    valueMatches: receivedHeader !== null && headers[headers.indexOf(receivedHeader) + 1] === value,
    agentTokenArrived: JSON.stringify(headers).includes(token),
  };
  const agent = { sawValue: holds(seen.bytes, value), tools: seen.tools, answer: seen.answer };
  const vault = { files: files.length, holdsValueInClear: contents.some((content) => holds(content, value)) };
  const recorded = audit.some((entry) => entry.action === 'call' && entry.tool === 'whoami' && entry.outcome === 'ok');
  const ok = upstream.valueMatches && !upstream.agentTokenArrived && !agent.sawValue && !vault.holdsValueInClear && recorded;
  return { ok, vault, upstream, agent, audit };
}

/** Whether bytes hold a value as it is, as base64 or as hex. */
function holds(bytes: Buffer, value: string): boolean {
  const forms = [value, Buffer.from(value).toString('base64').slice(0, -4), Buffer.from(value).toString('hex')];
  return forms.some((form) => bytes.includes(form));
}

function show({ ok, vault, upstream, agent, audit }: Report): void {
  console.log('   the server received');
  console.log(`     header            ${upstream.receivedHeader ?? 'none'}`);
  console.log(`     the right value   ${yesNo(upstream.valueMatches)}`);
  console.log(`     the agent's token ${yesNo(upstream.agentTokenArrived)}`);
  console.log('   the agent saw');
  console.log(`     the value         ${yesNo(agent.sawValue)}`);
  console.log(`     this answer       ${agent.answer}`);
  console.log('   the state folder holds');
  console.log(`     the value         ${yesNo(vault.holdsValueInClear)} (${String(vault.files)} files)`);
  console.log('\n4. What was written down:');
  for (const entry of audit) console.log(`     ${JSON.stringify(entry)}`);
  console.log(ok ? '\nAll as it should be.' : '\nSomething is NOT as it should be.');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '     ');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
