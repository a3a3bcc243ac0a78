/** What was done. `request` is an MCP request other than a tool call (it may use secrets too). */
export type AuditAction =
  | 'call'
  | 'request'
  | 'secret.set'
  | 'secret.delete'
  | 'secret.reveal'
  | 'server.add'
  | 'server.update'
  | 'server.remove'
  | 'server.approve'
  | 'server.revoke'
  | 'agent.issue'
  | 'agent.revoke';

/** `refused`: nothing reached the server. `error`: it was tried and failed. */
export type AuditOutcome = 'ok' | 'error' | 'refused';

/**
 * One line of the record: who used or changed what, when, and how it ended.
 * Names only: no values, no arguments, no results.
 */
export interface AuditEntry {
  /** ISO 8601, UTC, milliseconds. The start of a call. */
  readonly time: string;
  /** `user` (in the editor), `cli`, or `agent`. */
  readonly actor: 'user' | 'cli' | 'agent';
  readonly action: AuditAction;
  /** The agent's name, where an agent acted or is acted on. */
  readonly agent?: string;
  readonly server?: string;
  /** The MCP method of a `request`. */
  readonly method?: string;
  readonly tool?: string;
  /** Names of the secrets used or changed. */
  readonly secrets?: readonly string[];
  readonly outcome: AuditOutcome;
  readonly durationMs?: number;
  /** Why it did not end well: a kind of ours, `tool` (the tool reported failure) or `rpc:<code>`. */
  readonly errorKind?: string;
}

/** Where entries go. Recording never throws and never waits. */
export interface AuditSink {
  record(entry: Omit<AuditEntry, 'time'> & { readonly time?: string }): void;
}
