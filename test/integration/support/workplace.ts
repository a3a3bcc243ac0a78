import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findCanaries } from './canaries';
import { until } from './eventually';
import { killLeft, leftOf } from './processes';
import { cliPath, run, startNode } from './programs';
import type { Finished } from './programs';
import { Serving } from './serving';

/** One line of the audit file. */
export interface AuditLine {
  readonly time: string;
  readonly actor: string;
  readonly action: string;
  readonly agent?: string;
  readonly server?: string;
  readonly method?: string;
  readonly tool?: string;
  readonly secrets?: readonly string[];
  readonly scope?: string;
  readonly versions?: Readonly<Record<string, number>>;
  readonly requestId?: string;
  readonly outcome: string;
  readonly durationMs?: number;
  readonly errorKind?: string;
}

/** Folders of workplaces that were never closed: a test run can be cut short, or leave tests out. */
const open = new Set<string>();

process.once('exit', () => {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
});

/**
 * A fresh machine, as far as the product can tell: a workspace, a HOME, a MCP_SECRETS_HOME and a TMPDIR of its own.
 * `close` ends what runs in it, then checks that no process is left and that no value that it was given is in any file.
 */
export class Workplace {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-it-')));
  readonly workspace = join(this.root, 'workspace');
  readonly home = join(this.root, 'home');
  /** MCP_SECRETS_HOME. */
  readonly state = join(this.root, 'state');
  readonly temp = join(this.root, 'tmp');
  readonly serversFile = join(this.workspace, '.vscode', 'mcp-secrets.json');
  readonly #values: string[] = [];
  readonly #servings: Serving[] = [];

  constructor() {
    open.add(this.root);
    for (const folder of [this.workspace, this.home, this.temp]) mkdirSync(folder);
  }

  /** The whole environment of what runs here. */
  get env(): Record<string, string> {
    return { PATH: process.env.PATH ?? '', HOME: this.home, TMPDIR: this.temp, MCP_SECRETS_HOME: this.state, LANG: 'C.UTF-8' };
  }

  get keyFile(): string {
    return join(this.state, 'key');
  }

  get vaultFile(): string {
    return join(this.stateFolder, 'vault.json');
  }

  /** The state of the one workspace. */
  get stateFolder(): string {
    const folder = join(this.state, 'workspaces');
    const [id] = readdirSync(folder);
    assert.ok(id !== undefined);
    return join(folder, id);
  }

  /** Runs the command line to its end. */
  cli(
    args: readonly string[],
    { input = '', env = {} }: { input?: string | Buffer; env?: Record<string, string> } = {},
  ): Promise<Finished> {
    return run(startNode(cliPath, args, { ...this.env, ...env }, this.workspace), input);
  }

  /** Runs the command line, which must succeed; returns what it prints. */
  async ok(args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const { code, stdout, stderr } = await this.cli(args, { input });
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** Stores a secret. From here on its value must not be found anywhere. */
  async secret(name: string, value: string, ...options: string[]): Promise<void> {
    this.watch(value);
    await this.ok(['secret', 'set', name, ...options], value);
  }

  /** Adds a value that must not be found anywhere when this closes. */
  watch(value: string): void {
    this.#values.push(value);
  }

  /** Adds an http server, approved. @param secrets as `NAME` or `NAME=MODE`. */
  async addHttp(name: string, url: string, ...secrets: string[]): Promise<void> {
    await this.ok(['server', 'add', name, '--url', url, ...secrets.flatMap((secret) => ['--secret', secret])]);
  }

  /** Adds a stdio server, approved. */
  async addStdio(name: string, command: readonly string[], ...secrets: string[]): Promise<void> {
    await this.ok(['server', 'add', name, ...secrets.flatMap((secret) => ['--secret', secret]), '--', ...command]);
  }

  /** Writes the servers file; approves the servers that are named. */
  async servers(content: string | Record<string, unknown>, ...approved: string[]): Promise<void> {
    mkdirSync(dirname(this.serversFile), { recursive: true });
    writeFileSync(this.serversFile, typeof content === 'string' ? content : JSON.stringify({ servers: content }, undefined, 2));
    for (const name of approved) await this.ok(['server', 'approve', name]);
    // A call may go by what the file said 5 ms ago.
    await setTimeout(10);
  }

  /** Starts `mcp-secrets serve`. */
  async serve(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Serving> {
    const serving = await Serving.start(startNode(cliPath, ['serve', ...args], { ...this.env, ...env }, this.workspace));
    this.#servings.push(serving);
    return serving;
  }

  /** The audit file as it is now. */
  auditEntries(): AuditLine[] {
    const path = join(this.stateFolder, 'audit.jsonl');
    if (!existsSync(path)) return [];
    // What has no line break yet is being written.
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1).filter(Boolean);
    return lines.map((line) => JSON.parse(line) as AuditLine);
  }

  /** Waits for audit entries: they are written a moment after the answer. */
  async audited(count: number, matches: (line: AuditLine) => boolean): Promise<AuditLine[]> {
    await until(`${String(count)} audit entries`, () => this.auditEntries().filter(matches).length >= count);
    const found = this.auditEntries().filter(matches);
    assert.equal(found.length, count, JSON.stringify(found));
    return found;
  }

  /** Ends everything and checks what is left. */
  async close(): Promise<void> {
    try {
      assert.deepEqual(findCanaries(this.root, this.#values), [], 'a secret was found while the proxy ran');
      await Promise.all(this.#servings.map((serving) => serving.stop()));
      assert.deepEqual(findCanaries(this.root, this.#values), [], 'a secret was found after the proxy ended');
      for (const serving of this.#servings) {
        for (const value of this.#values) assert.ok(!serving.logs.includes(value), 'the log holds a secret');
      }
      assert.deepEqual(await leftOf(this.root), [], 'processes are left');
    } finally {
      killLeft(this.root);
      rmSync(this.root, { recursive: true, force: true });
      open.delete(this.root);
    }
  }
}
