import type { IncomingHttpHeaders } from 'node:http';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import type { Call } from '../call';
import type { Session } from '../front/sessions';
import { InnerReply } from '../innerReply';
import { isResponse, parseMessage } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';
import type { Upstream } from '../visit';

/** Where a question goes. */
export interface Target {
  readonly upstream: Upstream;
  readonly agent: string;
  readonly server: Server;
  readonly session: Session | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** The answer to a question. */
export interface Answer {
  readonly message: Message;
  /** It as it came, cleaned of secrets. */
  readonly text: string;
  /** The session that the server has opened with it. */
  readonly session: string | undefined;
}

/** A question under way. */
export interface Asking {
  readonly id: RequestId;
  /** @throws SecretsError if there is no answer. */
  readonly answer: Promise<Answer>;
  /** Breaks it off: nobody waits for the answer. */
  cancel(): void;
}

/** Takes the messages that come before the answer. */
export type Heard = (message: Message, text: string) => void;

/**
 * Sends a request of our own making to a server. What comes back has passed the interceptors as the answer to `call` would;
 * `call` learns which secrets were opened, but does not end.
 */
export function ask(target: Target, request: Request, call: Call, heard: Heard = () => undefined): Asking {
  let answer: { readonly message: Message; readonly text: string } | undefined;
  let over = false;
  const reply = new InnerReply({
    message: (text) => {
      const message = parseMessage(text);
      if (message === undefined) return;
      if (!isResponse(message)) heard(message, text);
      // A server that could not read the request answers with the id null.
      else if (message.id === request.id || (message.id as unknown) === null) answer ??= { message, text };
    },
    over: () => undefined,
  });
  const { upstream, ...visit } = target;
  const own: Call = { ...call, id: request.id, method: request.method };
  const post = { ...visit, reply, body: Buffer.from(JSON.stringify(request)), messages: [request], calls: [own] };
  const settle = async (): Promise<Answer> => {
    try {
      await upstream.post(post);
    } finally {
      over = true;
      reply.end();
      if (Object.keys(own.versions).length > 0) call.versions = { ...call.versions, ...own.versions };
    }
    if (answer === undefined) throw new SecretsError('upstreamClosed', { server: target.server.name });
    const session = reply.headers['mcp-session-id'];
    return { ...answer, session: typeof session === 'string' ? session : undefined };
  };
  return {
    id: request.id,
    answer: settle(),
    cancel: () => {
      if (!over) reply.breakOff();
    },
  };
}

/** Sends a notification, or an answer, of our own making. Never rejects: nobody waits for a reaction. */
export async function tell({ upstream, ...visit }: Target, message: Message): Promise<void> {
  const reply = new InnerReply({ message: () => undefined, over: () => undefined });
  const body = Buffer.from(JSON.stringify(message));
  await upstream.post({ ...visit, reply, body, messages: [message], calls: [] }).catch(() => undefined);
  reply.end();
}

/** A call that no agent has made: what the proxy asks for itself. It is not on record. */
export function ownCall(agent: string, server: Server, method: string, now: number): Call {
  return { agent, server: server.name, id: 0, method, tool: undefined, startedAt: now, scope: server.scope, versions: {} };
}
