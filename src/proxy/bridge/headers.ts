import type { IncomingHttpHeaders } from 'node:http';
import { SecretsError } from '../../shared/errors';
import { isRequest, objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { envelopeOf, hasClaim, isModernPost, MODERN_VERSION, versionIn } from './era';
import { decodeHeaderValue, encodeHeaderValue } from './headerValue';
import { checkParamHeaders } from './paramHeaders';

/** What the header `Mcp-Name` repeats, by method (2026-07-28, Streamable HTTP, standard request headers; tasks: SEP-2663). */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** Checks a POST, if it is one of the modern era. @throws as `checkModernPost`. */
export function checkEra(headers: IncomingHttpHeaders, messages: readonly Message[]): void {
  if (isModernPost(headers, messages)) checkModernPost(headers, messages);
}

/**
 * Checks a POST of the modern era: its headers must say what its body says (2026-07-28, Streamable HTTP, server
 * validation), so that nobody on the way can be told something else than the server.
 * @throws SecretsError `headerMismatch`, `envelopeInvalid`, `notJsonRpc`.
 */
export function checkModernPost(headers: IncomingHttpHeaders, messages: readonly Message[]): void {
  const [message] = messages;
  if (message?.method === undefined || messages.length > 1)
    throw new SecretsError('notJsonRpc', { why: 'since revision 2026-07-28 each POST brings one request or notification' });
  checkVersion(message, versionIn(headers));
  checkRepeated('Mcp-Method', headers['mcp-method'], message.method, isRequest(message));
  const field = NAMED_BY.get(message.method);
  const name = field === undefined ? undefined : stringAt(message.params, field);
  if (name !== undefined && isRequest(message)) checkRepeated('Mcp-Name', decoded(headers['mcp-name']), name, true);
  checkParamHeaders(headers, message);
}

function checkVersion(message: Message, version: string | undefined): void {
  if (!hasClaim(message)) {
    if (message.method === 'initialize') throw new SecretsError('headerMismatch', { what: 'an initialize request belongs to an earlier revision than the one that MCP-Protocol-Version names' }); // prettier-ignore
    if (isRequest(message)) throw new SecretsError('envelopeInvalid', {});
    return;
  }
  const envelope = envelopeOf(message);
  if (envelope === undefined) throw new SecretsError('envelopeInvalid', {});
  checkRepeated('MCP-Protocol-Version', version, envelope.version, isRequest(message));
}

function checkRepeated(header: string, value: string | string[] | undefined, inBody: string, required: boolean): void {
  if (value === undefined && !required) return;
  if (value === undefined) throw new SecretsError('headerMismatch', { what: `the header ${header} is missing` });
  if (value !== inBody) throw new SecretsError('headerMismatch', { what: `the header ${header} says something else than the body` });
}

function decoded(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = decodeHeaderValue(value);
  if (text === undefined) throw new SecretsError('headerMismatch', { what: 'the header Mcp-Name is not encoded correctly' });
  return text;
}

/** The headers that a message of ours needs to be sent to a server of the modern era. */
export function standardHeaders(message: Message): IncomingHttpHeaders {
  const method = message.method ?? '';
  const field = NAMED_BY.get(method);
  const name = field === undefined ? undefined : stringAt(message.params, field);
  return {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': MODERN_VERSION,
    'mcp-method': encodeHeaderValue(method),
    ...(name === undefined ? {} : { 'mcp-name': encodeHeaderValue(name) }),
  };
}

/** The headers of an agent's request that belong to tracing (SEP-414). */
export function tracing(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { traceparent, tracestate, baggage } = headers;
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
    ...(baggage === undefined ? {} : { baggage }),
  };
}

/** The tool arguments of a message. */
export function argumentsOf({ method, params }: Message): Readonly<Record<string, unknown>> {
  return method === 'tools/call' ? (objectAt(params, 'arguments') ?? {}) : {};
}
