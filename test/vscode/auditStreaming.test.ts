import * as assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { AuditStreaming } from '../../src/editor/auditStreaming';
import type { Workspace } from '../../src/editor/workspace';
import { OtlpReceiver } from '../integration/support/otlpReceiver';
import { activated, eventually } from './support';

const NAMES = ['syslog', 'otlp', 'otlpHeadersFile'] as const;

describe('streaming of the audit trail', () => {
  let workspace: Workspace;
  let receiver: OtlpReceiver;
  let folder = '';

  const set = async (name: (typeof NAMES)[number], value: string | undefined): Promise<void> => {
    await vscode.workspace.getConfiguration('mcpSecrets.audit').update(name, value, vscode.ConfigurationTarget.Global);
  };
  const record = (server: string): void => {
    workspace.audit.record({ actor: 'user', action: 'server.add', server, outcome: 'ok' });
  };
  const arrived = (server: string): Promise<true> =>
    eventually(`the entry about ${server} arrives`, () => (JSON.stringify(receiver.entries()).includes(`"${server}"`) ? true : undefined));

  before(async () => {
    ({ workspace } = await activated());
    receiver = await OtlpReceiver.start();
    folder = mkdtempSync(join(tmpdir(), 'mcps-streams-'));
  });

  afterEach(async () => {
    for (const name of NAMES) await set(name, undefined);
  });

  after(async () => {
    await receiver.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('begins when the setting is there, with the headers of the file, and ends with it', async () => {
    const headers = join(folder, 'headers');
    writeFileSync(headers, 'X-Team: blue\n', { mode: 0o600 });
    record('before-it');
    await set('otlpHeadersFile', headers);
    await set('otlp', receiver.url);
    record('while-it-is-there');
    await arrived('while-it-is-there');
    assert.equal(receiver.headers.at(-1)?.['x-team'], 'blue');
    assert.ok(!JSON.stringify(receiver.entries()).includes('before-it'));
    await set('otlp', undefined);
    record('after-it');
    await set('otlp', receiver.url);
    record('again');
    await arrived('again');
    assert.ok(!JSON.stringify(receiver.entries()).includes('after-it'));
  });

  it('says what is wrong with a setting, and goes on with the other', async () => {
    const problems: unknown[] = [];
    await set('syslog', 'ftp://logs.example.com');
    await set('otlp', receiver.url);
    const streaming = new AuditStreaming({
      spoolFolder: join(folder, 'spool'),
      logger: workspace.log,
      onProblem: (error) => problems.push(error),
    });
    streaming.push({ time: new Date().toISOString(), actor: 'user', action: 'server.add', server: 'all-the-same', outcome: 'ok' });
    await arrived('all-the-same');
    assert.equal(problems.length, 1);
    assert.match(String(problems[0]), /cannot be streamed with these syslog settings/);
    await streaming.close();
    streaming.dispose();
  });

  it('refuses a headers file that others can read', async () => {
    const headers = join(folder, 'open-headers');
    writeFileSync(headers, 'Authorization: Bearer canary-of-streams\n');
    chmodSync(headers, 0o644);
    const problems: unknown[] = [];
    await set('otlpHeadersFile', headers);
    await set('otlp', receiver.url);
    const streaming = new AuditStreaming({
      spoolFolder: join(folder, 'spool'),
      logger: workspace.log,
      onProblem: (error) => problems.push(error),
    });
    streaming.start();
    streaming.dispose();
    assert.match(String(problems[0]), /can be read or written by others/);
    assert.doesNotMatch(String(problems[0]), /canary/);
  });

  it('is not for a workspace to decide, nor is how long entries are kept', async () => {
    const settings = vscode.workspace.getConfiguration('mcpSecrets.audit');
    for (const name of [...NAMES, 'keepDays', 'maxFileSize']) {
      const value = name === 'keepDays' || name === 'maxFileSize' ? 1 : receiver.url;
      await assert.rejects(Promise.resolve(settings.update(name, value, vscode.ConfigurationTarget.Workspace)), name);
    }
  });
});
