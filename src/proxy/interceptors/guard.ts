import type { AuditSink } from '../../audit/entry';
import type { Server } from '../../bindings/server';
import { messageOf, SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import { inTurns } from '../../shared/steps';
import { DEFAULT_SCOPE } from '../../vault/secret';
import type { Call, Interceptor } from '../call';
import type { Fingerprints, SecretRef } from '../guard/fingerprints';
import type { KnownSecrets } from '../guard/knownSecrets';
import { secretIn, secretInText, smallTextIn } from '../guard/search';
import { stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';

/** What is longer than this, in UTF-16 units, is no name to be repeated, whatever is in it. */
const MAX_NAME = 1_024;

/** What happens to a message of an agent that holds the value of a secret. `warn`: it goes out, and that is on record. */
export type GuardMode = 'refuse' | 'warn' | 'off';

/** What the guard needs of the rest. */
export interface GuardOptions {
  readonly known: KnownSecrets;
  /** Asked at every message. */
  readonly mode: () => GuardMode;
  readonly audit: AuditSink;
  readonly logger: Logger;
}

/** Keeps the values of all secrets from leaving in what agents send: they get into requests by bindings only. */
export function guard(options: GuardOptions): Interceptor {
  return {
    incoming: (message, agent, server, _session, call) => {
      const mode = options.mode();
      if (mode === 'off') return undefined;
      const sent: Sent = { message, agent, server, call };
      let known: Fingerprints | Promise<Fingerprints>;
      try {
        known = options.known.current();
      } catch (error) {
        passUnseen(error, sent, mode, options);
        return undefined;
      }
      return known instanceof Promise ? lookWhenMade(known, sent, mode, options) : look(known, sent, mode, options);
    },
  };
}

/** A message on its way to a server. */
interface Sent {
  readonly message: Message;
  readonly agent: string;
  readonly server: Server;
  /** What it asks, if it is a request. */
  readonly call: Call | undefined;
}

/** Small messages take no waiting. */
function look(known: Fingerprints, sent: Sent, mode: GuardMode, options: GuardOptions): Promise<void> | undefined {
  const act = (found: SecretRef | undefined): void => {
    if (found !== undefined) stop(found, known, sent, mode, options);
  };
  if (known.isEmpty) return undefined;
  const text = smallTextIn(sent.message);
  if (text === undefined) return inTurns(secretIn(known, sent.message)).then(act);
  act(secretInText(known, text));
  return undefined;
}

async function lookWhenMade(making: Promise<Fingerprints>, sent: Sent, mode: GuardMode, options: GuardOptions): Promise<void> {
  let known: Fingerprints;
  try {
    known = await making;
  } catch (error) {
    passUnseen(error, sent, mode, options);
    return;
  }
  await look(known, sent, mode, options);
}

/** What cannot be looked for cannot be stopped: with `refuse`, nothing goes out unseen. @throws the error. */
function passUnseen(error: unknown, { call }: Sent, mode: GuardMode, { logger }: GuardOptions): void {
  if (mode === 'refuse') throw error;
  if (call !== undefined) call.mayBeNamed = false;
  logger.warn(`A message could not be searched for secrets, and was sent all the same. ${messageOf(error)}`);
}

/** Puts a find on record. @throws SecretsError `secretInMessage`, unless a warning is all that is wanted. */
function stop(
  { scope, name }: SecretRef,
  known: Fingerprints,
  { message, agent, server, call }: Sent,
  mode: GuardMode,
  { audit, logger }: GuardOptions,
): void {
  const where = scope === DEFAULT_SCOPE ? {} : { scope };
  const { id, method, params } = message;
  const tool = method === 'tools/call' ? (stringAt(params, 'name') ?? '') : undefined;
  // In the method, the tool or the id, or one of them is too long to be any name.
  const inNames = [String(id), method, tool].some(
    (text) => text !== undefined && (text.length > MAX_NAME || secretInText(known, text) !== undefined),
  );
  if (call !== undefined) call.mayBeNamed = !inNames;
  const names = inNames || method === undefined ? {} : tool === undefined ? { method: method.slice(0, 128) } : { tool: tool.slice(0, 128) };
  const error = new SecretsError('secretInMessage', { name, ...where, server: server.name });
  audit.record({
    actor: 'agent',
    action: 'guard.find',
    agent,
    server: server.name,
    ...names,
    ...where,
    secrets: [name],
    outcome: mode === 'refuse' ? 'refused' : 'ok',
    errorKind: error.kind,
  });
  if (mode === 'refuse') throw error;
  logger.warn(
    `The agent "${agent}" has sent the value of the secret ${name} to server "${server.name}". It was let through: the outbound guard only warns.`,
  );
}
