import { version } from '../../../package.json';
import { fieldsOf, sentenceOf } from './record';
import type { Field, StreamRecord } from './record';

/** A value as OTLP's JSON has it: 64-bit numbers are text (opentelemetry.proto.common.v1.AnyValue). */
type AnyValue =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } }
  | { readonly kvlistValue: { readonly values: readonly KeyValue[] } };

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** From OpenTelemetry's data model of logs: number and text. */
const SEVERITY = { ok: [9, 'INFO'], refused: [13, 'WARN'], error: [17, 'ERROR'] } as const;

/**
 * Entries as an ExportLogsServiceRequest in JSON (OTLP 1.x). A record's `log.record.uid` is the record's id, its other
 * attributes are the entry's fields as `mcp_secrets.<field>`.
 * @param now ms since the epoch: when they are sent.
 */
export function formatOtlp(records: readonly StreamRecord[], now: number): string {
  return JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [attribute('service.name', 'mcp-secrets'), attribute('service.version', version)] },
        scopeLogs: [{ scope: { name: 'mcp-secrets.audit', version }, logRecords: records.map((record) => logRecord(record, now)) }],
      },
    ],
  });
}

function logRecord(record: StreamRecord, now: number): object {
  const { id, entry } = record;
  const [severityNumber, severityText] = entry.action === 'alert' ? SEVERITY.refused : SEVERITY[entry.outcome];
  return {
    timeUnixNano: nanoseconds(Date.parse(entry.time)),
    observedTimeUnixNano: nanoseconds(now),
    severityNumber,
    severityText,
    eventName: `mcp_secrets.${entry.action}`,
    body: { stringValue: sentenceOf(record) },
    attributes: [attribute('log.record.uid', id), ...fieldsOf(record).map(([name, value]) => attribute(`mcp_secrets.${name}`, value))],
  };
}

function attribute(key: string, value: Field[1]): KeyValue {
  return { key, value: anyValue(value) };
}

function anyValue(value: Field[1]): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (value instanceof Array) return { arrayValue: { values: value.map((item: string) => ({ stringValue: item })) } };
  return { kvlistValue: { values: Object.entries(value).map(([key, number]) => attribute(key, number)) } };
}

function nanoseconds(ms: number): string {
  return `${String(Math.max(0, Math.round(ms)))}000000`;
}
