import { isSecretsError } from '../../shared/errors';
import type { Clock } from '../../shared/clock';
import type { Call } from '../call';
import type { Session } from '../front/sessions';
import { numberAt, objectAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Upstream, Visit } from '../visit';
import { ask } from './ask';
import type { Answer } from './ask';
import { isModern, META } from './era';
import { standardHeaders, tracing } from './headers';
import { during } from './heldSession';

/** How long a child has to answer when it is asked for its era: some old ones never do. */
const PROBE_MS = 10_000;

/**
 * Asks a server what it is, with a `server/discover`. @param session the one of its child, if it has one.
 * @returns the answer; `undefined` if it is none that MCP knows, as legacy servers may give. @throws SecretsError if it cannot be asked.
 */
export async function probe(
  question: Request,
  visit: Visit,
  call: Call,
  session: Session | undefined,
  { upstream, clock }: { readonly upstream: Upstream; readonly clock: Clock },
): Promise<Answer | undefined> {
  const { agent, server, reply } = visit;
  let answer: Answer | undefined;
  await during(session, clock, async () => {
    const headers = { ...tracing(visit.headers), ...standardHeaders(question) };
    const asking = ask({ upstream, agent, server, session, headers }, question, call);
    const cancel = (): void => {
      asking.cancel();
    };
    // A child that does not answer may be an old one; over HTTP, silence is a failure.
    const timer = session === undefined ? undefined : setTimeout(cancel, PROBE_MS);
    reply.onAbandoned(cancel);
    try {
      answer = await asking.answer;
    } catch (error) {
      if (!mayBeLegacy(error, session !== undefined) || reply.ended) throw error;
    } finally {
      clearTimeout(timer);
    }
  });
  return answer;
}

/** The question of what a server is, asked for the sender of a request. */
export function discoverRequest(request: Request): Request {
  const meta = objectAt(request.params, '_meta') ?? {};
  const said = [META.version, META.capabilities, META.client].filter((key) => Object.hasOwn(meta, key)).map((key) => [key, meta[key]]);
  return { jsonrpc: '2.0', id: 'mcp-secrets/discover', method: 'server/discover', params: { _meta: Object.fromEntries(said) as object } };
}

/** Whether an answer to `server/discover` is that of a modern server: its description, or an error that only modern servers know. */
export function describesModern({ result, error }: Message): boolean {
  const versions = (result as { supportedVersions?: unknown } | null | undefined)?.supportedVersions;
  if (error === undefined) return isList(versions) && versions.some(isModern);
  const code = numberAt(error, 'code');
  if (code !== -32022) return code === -32020 || code === -32021;
  const supported = objectAt(error, 'data')?.supported;
  return isList(supported) && supported.some(isModern);
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** Whether a failed probe can be the reaction of a legacy server. */
export function mayBeLegacy(error: unknown, isChild: boolean): boolean {
  if (isSecretsError(error, 'upstreamStatus')) return error.details.status < 500;
  // Some end when they are spoken to before the handshake.
  return (
    isChild && (isSecretsError(error, 'childExited') || isSecretsError(error, 'upstreamClosed') || isSecretsError(error, 'upstreamTimeout'))
  );
}
