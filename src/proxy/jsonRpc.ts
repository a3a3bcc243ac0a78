import { isUtf8 } from 'node:buffer';
import type { ErrorKind } from '../shared/words';
import { isSecretsError, messageOf, SecretsError } from '../shared/errors';
import { isTooDeep, MAX_LEVELS } from './nesting';
import { ambiguityIn } from './ambiguity';
import { noteNumbers } from './numbers';

/** The messages that one POST may bring (2025-03-26): each costs more than its few bytes. */
const MAX_BATCH = 100;

/** A JSON-RPC request id. */
export type RequestId = string | number;

/** A parsed JSON-RPC 2.0 message. Fields that we do not know are left alone: this is a relay. */
export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: RequestId;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A message that wants an answer. */
export interface Request extends Message {
  readonly id: RequestId;
  readonly method: string;
}

/** Whether a message wants an answer. */
export function isRequest(message: Message): message is Request {
  return message.method !== undefined && message.id !== undefined;
}

/** Whether a message is an answer. */
export function isResponse(message: Message): message is Message & { readonly id: RequestId } {
  return message.method === undefined && message.id !== undefined;
}

/** The text of a body. @throws SecretsError `notJson` if it is not UTF-8 (RFC 8259, 8.1): what readers make of other bytes differs. */
export function textOf(body: Buffer): string {
  if (!isUtf8(body)) throw new SecretsError('notJson', {});
  return body.toString();
}

/**
 * Reads one POSTed body: a message, or a batch of them (protocol 2025-03-26).
 * @throws SecretsError `notJson` (-32700), `notJsonRpc` (-32600).
 */
export function parseMessages(text: string): Message[] {
  if (isTooDeep(text)) throw new SecretsError('notJsonRpc', { why: `it is nested deeper than ${String(MAX_LEVELS)} levels` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SecretsError('notJson', {});
  }
  const messages: unknown[] = Array.isArray(value) ? value : [value];
  if (messages.length === 0) throw new SecretsError('notJsonRpc', { why: 'the batch is empty' });
  if (messages.length > MAX_BATCH) throw new SecretsError('notJsonRpc', { why: `a batch may have ${String(MAX_BATCH)} messages at most` });
  const ambiguity = ambiguityIn(text, value);
  if (ambiguity !== undefined) throw new SecretsError('notJsonRpc', { why: ambiguity });
  noteNumbers(text, messages);
  return messages.map((message) => {
    const why = problemOf(message) ?? disguise(message as Message);
    if (why !== undefined) throw new SecretsError('notJsonRpc', { why });
    return message as Message;
  });
}

/** What MCP's notifications are called, those of its extensions, too (`ui/notifications/…`). */
const NOTIFICATION = /^(?:[^/]+\/)?notifications\//;

/**
 * A request without an id would be a notification, which nobody judges and nobody writes down; but there are servers that only look at
 * the method. Why a message is taken for one, if it is.
 */
function disguise({ id, method }: Message): string | undefined {
  if (method === undefined || id !== undefined || NOTIFICATION.test(method)) return undefined;
  return 'it has no "id", and its method is not that of a notification';
}

/** The request that a message cancels; `undefined` if it is no `notifications/cancelled` that names one. */
export function cancelledBy({ method, params }: Message): RequestId | undefined {
  return method === 'notifications/cancelled' ? (params as { requestId?: RequestId } | null | undefined)?.requestId : undefined;
}

/** Whether a body that parses is a batch. */
export function isBatch(body: Buffer): boolean {
  for (const byte of body) {
    if (byte === 0x5b) return true;
    if (byte > 0x20) return false;
  }
  return false;
}

/** Reads one message of an upstream; `undefined` if it is none. */
export function parseMessage(text: string): Message | undefined {
  if (isTooDeep(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return problemOf(value) === undefined ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a batch of an upstream (2025-03-26); `undefined` if it is none, or holds something else than messages. */
export function parseBatch(text: string): readonly Message[] | undefined {
  if (!/^\s*\[/.test(text) || isTooDeep(text)) return undefined;
  try {
    const values = JSON.parse(text) as unknown[];
    return values.length > 0 && values.every((value) => problemOf(value) === undefined) ? (values as Message[]) : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not an object';
  const { jsonrpc, id, method } = value as Record<string, unknown>;
  if (jsonrpc !== '2.0') return '"jsonrpc" is not "2.0"';
  if (method !== undefined && typeof method !== 'string') return '"method" is not a string';
  if (id !== undefined && id !== null && typeof id !== 'string' && typeof id !== 'number') return '"id" is neither a string nor a number';
  if (method === undefined && !('result' in value) && !('error' in value)) return 'it has no "method", "result" or "error"';
  if (method !== undefined && id === null) return '"id" is null';
  return undefined;
}

/**
 * The names of the tools that messages call; `undefined` if one of them does something else than call a tool. Names as a server
 * reads them, whole.
 */
export function toolsCalled(messages: readonly Message[]): readonly string[] | undefined {
  const names: string[] = [];
  for (const message of messages) {
    const name = isRequest(message) && message.method === 'tools/call' ? stringAt(message.params, 'name') : undefined;
    if (name === undefined) return undefined;
    names.push(name);
  }
  return names;
}

/** The object under a key of a message's params or result, if there is one. */
export function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : undefined;
}

/** The string under a key of a message's params. */
export function stringAt(value: unknown, key: string): string | undefined {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}

/** The number under a key of an error. */
export function numberAt(value: unknown, key: string): number | undefined {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof found === 'number' ? found : undefined;
}

/** What an error says, in words for people. Ours say what to do next; those of a server get what is missing. @param error of an answer. */
export function reasonIn(error: unknown): string {
  const said = stringAt(error, 'message') ?? 'it gave no answer';
  return stringAt(objectAt(error, 'data'), 'kind') === undefined ? `${said.replace(/[.\s]+$/, '')}. Check the server's own log.` : said;
}

const CODES: Partial<Record<ErrorKind, number>> = {
  notJson: -32700,
  notJsonRpc: -32600,
  methodUnknown: -32601,
  envelopeInvalid: -32602,
  toolUnknown: -32602,
  paramsInvalid: -32602,
  notBridged: -32603,
  headerMismatch: -32020,
  capabilityMissing: -32021,
  versionUnsupported: -32022,
};

/** An error as a JSON-RPC answer, as text. Its `data.kind` is the kind of error, for programs. */
export function errorAnswer(id: RequestId | null, error: unknown): string {
  const kind = isSecretsError(error) ? error.kind : 'internal';
  const code = isSecretsError(error) ? (CODES[error.kind] ?? -32000) : -32603;
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: messageOf(error), data: { kind, ...dataOf(error) } } });
}

/** What MCP 2026-07-28 wants certain errors to tell programs. */
function dataOf(error: unknown): object {
  if (isSecretsError(error, 'versionUnsupported')) return { supported: error.details.supported, requested: error.details.requested };
  return isSecretsError(error, 'capabilityMissing') ? { requiredCapabilities: { [error.details.capability]: {} } } : {};
}
