import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { StreamRecord } from '../../../../src/audit/stream/record';
import { formatSyslog } from '../../../../src/audit/stream/rfc5424';
import { visible } from '../../../../src/shared/visible';
import { anyRecord, entryNumber } from '../../support/entries';
import { parseSyslog } from '../../support/rfc5424Parser';

const BIG = 1024 * 1024;

function paramsOf(record: StreamRecord, maxBytes = BIG): Record<string, string> {
  const { elements } = parseSyslog(formatSyslog(record, maxBytes));
  assert.deepEqual(Object.keys(elements), ['audit@32473']);
  return Object.fromEntries(elements['audit@32473'] ?? []);
}

describe('entries as syslog messages', () => {
  it('say what happened', () => {
    const record = { id: '77-00ff-5', entry: entryNumber(9) };
    const { facility, severity, timestamp, app, procId, msgId, message } = parseSyslog(formatSyslog(record, BIG));
    assert.deepEqual(
      { facility, severity, timestamp, app, procId, msgId, message },
      {
        facility: 10,
        severity: 6,
        timestamp: '2026-01-02T03:04:05.678Z',
        app: 'mcp-secrets',
        procId: '77-00ff',
        msgId: 'call',
        message: '\ufeffagent "Claude": call github/search GITHUB_TOKEN, ok',
      },
    );
    assert.deepEqual(paramsOf(record), {
      id: '77-00ff-5',
      actor: 'agent',
      action: 'call',
      agent: 'Claude',
      server: 'github',
      tool: 'search',
      requestId: '9',
      secrets: 'GITHUB_TOKEN',
      versions: 'GITHUB_TOKEN=3',
      outcome: 'ok',
      durationMs: '12',
    });
  });

  it('are warnings when refused, errors when failed, warnings when they are alerts', () => {
    const severityOf = (change: Partial<StreamRecord['entry']>): number =>
      parseSyslog(formatSyslog({ id: '1-a-1', entry: { ...entryNumber(1), ...change } }, BIG)).severity;
    assert.equal(severityOf({ outcome: 'refused' }), 4);
    assert.equal(severityOf({ outcome: 'error' }), 3);
    assert.equal(severityOf({ action: 'alert' }), 4);
  });

  it('can be read by the grammar, whatever an agent calls itself and its tools', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { entry } = record;
        const params = paramsOf(record);
        for (const name of ['agent', 'server', 'method', 'tool', 'requestId', 'scope', 'errorKind', 'rule'] as const) {
          const value = entry[name];
          // Longer ones are cut, see below.
          if (value === undefined) assert.ok(!(name in params));
          else if (visible(value).length <= 4096) assert.equal(params[name], visible(value));
        }
        assert.equal(params.outcome, entry.outcome);
        assert.equal(params.id, record.id);
      }),
    );
  });

  it('have no character that a reader cannot see, and no line break', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const text = formatSyslog(record, BIG).toString();
        assert.equal(visible(text.replace('\ufeff', '')), text.replace('\ufeff', ''));
      }),
    );
  });

  it('keep to the size that a datagram may have, and stay readable', () => {
    let cut = 0;
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(2048, 8192), (record, maxBytes) => {
        const bytes = formatSyslog(record, maxBytes);
        assert.ok(bytes.length <= maxBytes, String(bytes.length));
        const params = paramsOf(record, maxBytes);
        assert.equal(params.id, record.id);
        assert.equal(params.outcome, record.entry.outcome);
        if (Object.values(params).some((value) => value.endsWith('…'))) cut += 1;
      }),
    );
    assert.ok(cut > 0, 'the texts were long enough for this test');
  });
});
