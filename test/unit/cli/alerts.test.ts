import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '../../../src/audit/entry';
import { watchAudit } from '../../../src/cli/alerts';
import { openHeadless } from '../../../src/cli/headless';
import type { Headless } from '../../../src/cli/headless';
import { temporaryFolder } from '../support/folders';
import { RecordingLogger } from '../support/memory';
import { entry } from '../support/trails';

const YEAR_MS = 365 * 86_400_000;

describe('the watch over what serve records', () => {
  const folder = temporaryFolder();
  let count = 0;
  let headless: Headless;
  let logger: RecordingLogger;

  beforeEach(() => {
    count += 1;
    const workspace = join(folder(), `workspace ${String(count)}`);
    mkdirSync(workspace);
    logger = new RecordingLogger();
    headless = openHeadless(workspace, { MCP_SECRETS_HOME: join(folder(), `home ${String(count)}`) }, logger, false);
  });
  afterEach(() => headless.close());

  const callOf = (agent: string, aheadMs = 0): AuditEntry => ({
    ...entry('one'),
    agent,
    time: new Date(Date.now() + aheadMs).toISOString(),
  });
  const alerts = (): string[] => logger.lines.filter((line) => line.startsWith('Alert: '));

  it('knows what was recorded before, whatever the time was said to be then', async () => {
    headless.audit.record(callOf('Claude', YEAR_MS));
    await headless.audit.flush();
    const watch = watchAudit(headless);
    headless.audit.record(callOf('Claude'));
    await watch.close();
    assert.deepEqual(alerts(), []);
  });

  it('takes for news what comes after its start, whatever the time is said to be', async () => {
    headless.audit.record(callOf('Claude'));
    await headless.audit.flush();
    const watch = watchAudit(headless);
    headless.audit.record(callOf('Codex', -YEAR_MS));
    // It is in the trail before the trail is read.
    await headless.audit.flush();
    await watch.close();
    assert.equal(alerts().length, 1);
    assert.match(alerts()[0] ?? '', /"Codex" made its first call/);
  });

  it('takes everything for news where there was no trail', async () => {
    const watch = watchAudit(headless);
    headless.audit.record(callOf('Claude'));
    await headless.audit.flush();
    await watch.close();
    assert.equal(alerts().length, 1);
  });
});
