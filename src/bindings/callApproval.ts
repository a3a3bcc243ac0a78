/**
 * What a person may say to a call. `session`: until the agent's session ends; where there is no session (every agent of MCP
 * 2026-07-28, servers without sessions): for this agent in all its windows, until the proxy stops. `always`: for good. Both hold for
 * the plan under which they were given: any change of the server, its scope or its policy ends them.
 */
export type CallAnswer = 'once' | 'session' | 'always' | 'no';

/** A call that a person is asked about. Everything in it can be shown: secrets are masked, what cannot be seen is written as escapes. */
export interface CallQuestion {
  readonly agent: string;
  readonly server: string;
  readonly tool: string;
  /** The rule that wants the question, in words. */
  readonly rule: string;
  /** The arguments as indented JSON, whole. */
  readonly arguments: string;
  /** Whether somebody still waits for the call. */
  readonly waits: () => boolean;
}

/** Asks a person about calls. Nothing that comes in over the proxy can answer. */
export interface CallApprover {
  /** Resolves to `no` also where no answer was given. May be called while earlier questions are open. Never rejects. */
  ask(question: CallQuestion): Promise<CallAnswer>;
}
