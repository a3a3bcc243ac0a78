import assert from 'node:assert/strict';
import fc from 'fast-check';
import { version } from '../../../../package.json';
import { formatOtlp } from '../../../../src/audit/stream/otlpJson';
import { visible } from '../../../../src/shared/visible';
import { anyRecord, entryNumber } from '../../support/entries';
import { attributesOf, decodeLogs } from '../../support/otlpDecoder';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 6);

describe('entries as OTLP logs', () => {
  it('say what happened', () => {
    const [logs] = decodeLogs(formatOtlp([{ id: '77-00ff-5', entry: entryNumber(9) }], NOW)).resourceLogs;
    assert.deepEqual(logs?.resource.attributes, [
      { key: 'service.name', value: { stringValue: 'mcp-secrets' } },
      { key: 'service.version', value: { stringValue: version } },
    ]);
    const [record] = logs.scopeLogs[0]?.logRecords ?? [];
    assert.ok(record !== undefined);
    const { attributes, ...rest } = record;
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
      timeUnixNano: `${String(Date.UTC(2026, 0, 2, 3, 4, 5, 678))}000000`,
      observedTimeUnixNano: `${String(NOW)}000000`,
      severityNumber: 9,
      severityText: 'INFO',
      eventName: 'mcp_secrets.call',
      body: { stringValue: 'agent "Claude": call github/search GITHUB_TOKEN, ok' },
    });
    const found = JSON.parse(JSON.stringify(attributesOf({ attributes }))) as unknown;
    assert.deepEqual(found, {
      'log.record.uid': { stringValue: '77-00ff-5' },
      'mcp_secrets.actor': { stringValue: 'agent' },
      'mcp_secrets.action': { stringValue: 'call' },
      'mcp_secrets.agent': { stringValue: 'Claude' },
      'mcp_secrets.server': { stringValue: 'github' },
      'mcp_secrets.tool': { stringValue: 'search' },
      'mcp_secrets.requestId': { stringValue: '9' },
      'mcp_secrets.secrets': { arrayValue: { values: [{ stringValue: 'GITHUB_TOKEN' }] } },
      'mcp_secrets.versions': { kvlistValue: { values: [{ key: 'GITHUB_TOKEN', value: { intValue: '3' } }] } },
      'mcp_secrets.outcome': { stringValue: 'ok' },
      'mcp_secrets.durationMs': { intValue: '12' },
    });
  });

  it('are understood by the message types of OpenTelemetry, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 5 }), (records) => {
        const { resourceLogs } = decodeLogs(formatOtlp(records, NOW));
        const logged = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
        assert.equal(logged.length, records.length);
        for (const [index, { id, entry }] of records.entries()) {
          const attributes = attributesOf(logged[index] ?? { attributes: [] });
          assert.equal(attributes['log.record.uid']?.stringValue, id);
          assert.equal(attributes['mcp_secrets.outcome']?.stringValue, entry.outcome);
          assert.equal(attributes['mcp_secrets.agent']?.stringValue, entry.agent === undefined ? undefined : visible(entry.agent));
        }
      }),
    );
  });
});
