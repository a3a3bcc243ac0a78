import type { AuditOutcome } from '../audit/entry';
import type { Server } from '../bindings/server';
import type { Redactor } from './interceptors/redactor';
import type { Message, Request, RequestId } from './jsonRpc';

/** How a call ended. */
export interface CallEnd {
  readonly outcome: AuditOutcome;
  readonly errorKind?: string;
}

/** One request of an agent on its way through the proxy. */
export interface Call {
  readonly agent: string;
  /** The name in the path; whether there is such a server is found out later. */
  readonly server: string;
  readonly id: RequestId;
  readonly method: string;
  /** The tool's name, for `tools/call`. */
  readonly tool: string | undefined;
  /** As `Clock.steady`. */
  readonly startedAt: number;
  /** What it came in, as it was sent: the JSON of one message or of a batch. Absent for calls of our own. */
  readonly body?: Buffer;
  /** The id of the session that it is in, if it is in one. Filled in when that is found to be the agent's own: the header is its word only. */
  session?: string | undefined;
  /** Calls back once if nobody waits for the answer any more. */
  readonly onGone?: (callback: () => void) => void;
  /** Whether its messages have passed all that looks at them, the outbound guard above all. Until then its names could hold a secret's value. */
  searched?: boolean;
  /** Whether its method, tool and id may be repeated. Filled in by the outbound guard where it has found something, or could not look; else: once it was searched. */
  mayBeNamed?: boolean | undefined;
  /** The scope of its server's secrets. Filled in when the server is found. */
  scope: string | undefined;
  /** The versions of the secrets that were opened for it, by name. Filled in when they are. */
  versions: Readonly<Record<string, number>>;
}

/** Whether a call is a subscription (MCP 2026-07-28): open, silent and without any work until somebody leaves. */
export function isSubscription({ method }: Pick<Call, 'method'>): boolean {
  return method === 'subscriptions/listen';
}

/** A message on its way to the agent. */
export interface Outgoing {
  /** The server that it is from. */
  readonly server: Server;
  readonly redactor: Redactor;
  /** It, parsed; `undefined` if it is no JSON-RPC message. */
  readonly message: Message | undefined;
  /** What it answers; `undefined` for a request or notification of the server. */
  readonly call: Call | undefined;
}

/** One step that every call passes. Steps are in one list (interceptors/list.ts), in the order in which they run. */
export interface Interceptor {
  /**
   * Looks at every message of an agent, answers and notifications too, before anything is opened or contacted; `session`: the id, if
   * it is in one; `call`: what it asks, if it is a request. @throws SecretsError to refuse it.
   */
  incoming?(message: Message, agent: string, server: Server, session?: string, call?: Call): void | Promise<void>;
  /** Before anything is opened or contacted. @throws SecretsError to refuse the call. */
  before?(call: Call, server: Server, request: Request): void | Promise<void>;
  /** Text that goes to the agent: the JSON of one message. Returns it, changed or not. */
  outgoing?(text: string, about: Outgoing): string | Promise<string>;
  /** After the one answer was given. Never throws. */
  after?(call: Call, end: CallEnd): void;
}
