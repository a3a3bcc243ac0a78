import { isSecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Session, Sessions } from '../front/sessions';
import { numberAt, objectAt } from '../jsonRpc';
import type { Message, Request } from '../jsonRpc';
import type { Upstream, Visit } from '../visit';
import { ask } from './ask';
import type { Answer } from './ask';
import { isModern, META } from './era';
import { standardHeaders, tracing } from './headers';

/** How long a child may be silent until it is tried with a handshake, too: some old ones never answer what they do not know. */
const PROBE_MS = 10_000;

/** What asking a server needs of the rest. */
export interface ProbeOptions {
  readonly upstream: Upstream;
  readonly sessions: Sessions;
  /** Instead of the usual 10 s. */
  readonly probeMs?: number;
}

/** A server that was asked what it is. */
export interface Probed {
  /** That of its child, if it has one. */
  readonly session: Session | undefined;
  /** Its answer; `undefined` if there is none yet, or none that MCP knows, as legacy servers may give. */
  readonly answer: Answer | undefined;
  /** Stops waiting. @returns the answer, if it has come by now. */
  close(): Answer | undefined;
}

/**
 * Asks a server what it is, with a `server/discover`. A child that is silent may be an old one or may still be starting: the question
 * stays open. @param session the one of its child, if it has one. @throws SecretsError if it cannot be asked.
 */
export async function probe(
  question: Request,
  visit: Visit,
  call: Call,
  session: Session | undefined,
  { upstream, sessions, probeMs = PROBE_MS }: ProbeOptions,
): Promise<Probed> {
  const { agent, server, reply } = visit;
  const headers = { ...tracing(visit.headers), ...standardHeaders(question) };
  const asking = ask({ upstream, agent, server, session, headers }, question, call);
  let answer: Answer | undefined;
  const close = (): Answer | undefined => {
    asking.cancel();
    return answer;
  };
  reply.onAbandoned(close);
  const answered = sessions.during(session, async () => {
    try {
      answer = await asking.answer;
    } catch (error) {
      if (!mayBeLegacy(error, session !== undefined) || reply.ended) throw error;
    }
  });
  // Over HTTP, silence is a failure.
  await (session === undefined ? answered : within(probeMs, answered));
  return { session, answer, close };
}

/** Waits for work, but not longer than this. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, over]).finally(() => {
    clearTimeout(timer);
  });
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
