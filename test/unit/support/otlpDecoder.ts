import assert from 'node:assert/strict';
import root from '@opentelemetry/otlp-transformer/build/src/generated/root.js';

interface MessageType {
  verify: (value: unknown) => string | null;
  fromObject: (value: unknown) => object;
  toObject: (message: object, options: object) => unknown;
  encode: (message: object) => { finish: () => Uint8Array };
  decode: (bytes: Uint8Array) => object;
}

/** A value of an attribute. */
export interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly Attribute[] };
}

/** An attribute. */
export interface Attribute {
  readonly key: string;
  readonly value: AnyValue;
}

/** A log record as a receiver has it. */
export interface LogRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  readonly body: AnyValue;
  readonly attributes: readonly Attribute[];
}

/** An export request as a receiver has it. */
export interface LogsRequest {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly logRecords: readonly LogRecord[];
    }[];
  }[];
}

const request = (
  root as unknown as { opentelemetry: { proto: { collector: { logs: { v1: { ExportLogsServiceRequest: MessageType } } } } } }
).opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;

/**
 * Reads an export request with OpenTelemetry's own message types, by way of the bytes that they make of it. Throws if there
 * is anything in it that they do not know, or in another form.
 */
export function decodeLogs(json: string): LogsRequest {
  const value: unknown = JSON.parse(json);
  const message = request.fromObject(value);
  assert.equal(request.verify(message), null);
  const decoded = request.toObject(request.decode(request.encode(message).finish()), { longs: String, enums: Number, oneofs: false });
  assert.deepEqual(withoutEmpty(decoded), withoutEmpty(value));
  return decoded as LogsRequest;
}

/** An empty list is the same as none. */
function withoutEmpty(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, item: unknown) => (Array.isArray(item) && item.length === 0 ? undefined : item)));
}

/** The attributes of a record, by key. */
export function attributesOf({ attributes }: Pick<LogRecord, 'attributes'>): Record<string, AnyValue> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}
