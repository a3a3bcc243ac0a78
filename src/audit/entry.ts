/** What was done. `request` is an MCP request other than a tool call (it may use secrets too). */
export type AuditAction =
  | 'call'
  | 'request'
  | 'secret.set'
  | 'secret.rollback'
  | 'secret.schedule'
  | 'secret.destroy'
  | 'secret.delete'
  | 'secret.reveal'
  | 'scope.delete'
  | 'scope.switch'
  | 'server.add'
  | 'server.update'
  | 'server.remove'
  | 'server.approve'
  | 'server.revoke'
  | 'tools.change'
  | 'tools.accept'
  | 'policy.allow'
  | 'policy.revoke'
  | 'guard.find'
  | 'agent.issue'
  | 'agent.revoke'
  | 'agent.access'
  | 'agent.refuse'
  | 'key.rotate'
  | 'key.protect'
  | 'key.unprotect'
  | 'vault.lock'
  | 'vault.unlock'
  | 'vault.panic'
  | 'vault.recover'
  | 'vault.fresh'
  | 'vault.destroy'
  | 'backup.create'
  | 'backup.restore'
  | 'audit.export'
  | 'alert';

/** `refused`: nothing reached the server. `error`: it was tried and failed. */
export type AuditOutcome = 'ok' | 'error' | 'refused';

/**
 * What is recorded: who used or changed what, when, and how it ended.
 * Names only: no values, no arguments, no results.
 */
export interface AuditEntry {
  /** ISO 8601, UTC, milliseconds. The start of a call. */
  readonly time: string;
  /** `user` (in the editor), `cli`, `agent`, or `product` (nobody asked: an alert, an automatic lock). */
  readonly actor: 'user' | 'cli' | 'agent' | 'product';
  readonly action: AuditAction;
  /** The agent's name, where an agent acted or is acted on. */
  readonly agent?: string;
  readonly server?: string;
  /** The MCP method of a `request`. */
  readonly method?: string;
  readonly tool?: string;
  /** The id of the agent's JSON-RPC request, as text. */
  readonly requestId?: string;
  /** The scope of the secrets, where it is not the default one. */
  readonly scope?: string;
  /** Names of the secrets used or changed. */
  readonly secrets?: readonly string[];
  /** The versions of those secrets that were used or made, by name. */
  readonly versions?: Readonly<Record<string, number>>;
  readonly outcome: AuditOutcome;
  readonly durationMs?: number;
  /** Why it did not end well: a kind of ours, `tool` (the tool reported failure) or `rpc:<code>`. */
  readonly errorKind?: string;
  /** How many of the same kind this stands for, where they came too fast to be recorded one by one. */
  readonly count?: number;
  /** The rule that raised an `alert`. */
  readonly rule?: string;
  /** The id of an agent's token (never the token). */
  readonly token?: string;
  /** The servers that an agent may use from now on (`agent.access`); without it: all. */
  readonly servers?: readonly string[];
}

/** Where entries go. Recording never throws and never waits. */
export interface AuditSink {
  record(entry: Omit<AuditEntry, 'time'> & { readonly time?: string }): void;
}
