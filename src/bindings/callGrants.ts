import * as z from 'zod';
import type { AuditEntry, AuditSink } from '../audit/entry';
import type { BlobStore } from '../shared/blobStore';
import { Emitter } from '../shared/disposable';
import { lazily } from '../shared/lazily';
import { planDigest } from './plan';
import type { Server } from './server';

const schema = lazily(() =>
  z.array(
    z.strictObject({
      server: z.string(),
      tool: z.string(),
      /** Absent: every agent. */
      agent: z.string().exactOptional(),
      /** The number of the rule that asks, counted from 1; absent: the default. */
      rule: z.int().positive().exactOptional(),
      /** The digest of the plan, the policy included. */
      plan: z.string(),
      /** ms since the epoch. */
      grantedAt: z.number(),
    }),
  ),
);

/** A call that a person has allowed for good: a tool of a server under one plan, asked about by one rule. */
export type CallGrant = Readonly<z.infer<ReturnType<typeof schema>>[number]>;

/** What a grant is looked up by. */
export interface GrantedCall {
  readonly server: Server;
  readonly tool: string;
  /** `undefined`: every agent. */
  readonly agent: string | undefined;
  /** See `CallGrant.rule`; `undefined`: the default. */
  readonly rule: number | undefined;
}

/**
 * The calls that were allowed for good in this workspace on this machine. Kept outside the workspace folder, so that no
 * repository can bring them along. A grant is for one plan: any change of the server, its policy included, ends it. An
 * unreadable store counts as no grants.
 */
export class CallGrants {
  readonly #store: BlobStore;
  readonly #audit: AuditSink;
  readonly #changed = new Emitter<undefined>();
  /** Fires after a grant was given or taken back here. */
  readonly onDidChange = this.#changed.event;
  #parsed: { readonly text: string; readonly grants: readonly CallGrant[] } | undefined;

  constructor(store: BlobStore, audit: AuditSink) {
    this.#store = store;
    this.#audit = audit;
  }

  /** All grants, also those that a change has ended. */
  list(): readonly CallGrant[] {
    const text = this.#store.read();
    if (text === undefined) return [];
    if (this.#parsed?.text !== text) this.#parsed = { text, grants: parse(text) };
    return this.#parsed.grants;
  }

  /** Whether exactly this was allowed, for this agent or for every one. */
  isGranted({ server, tool, agent, rule }: GrantedCall): boolean {
    const plan = planDigest(server);
    return this.list().some(
      (grant) =>
        grant.plan === plan &&
        grant.tool === tool &&
        grant.rule === rule &&
        grant.server === server.name &&
        (grant.agent === undefined || grant.agent === agent),
    );
  }

  /** Allows a call for good. Grants of the same server that a change has ended are dropped. */
  async grant({ server, tool, agent, rule }: GrantedCall, actor: AuditEntry['actor'], now: number): Promise<void> {
    const plan = planDigest(server);
    const grant: CallGrant = {
      server: server.name,
      tool,
      ...(agent === undefined ? {} : { agent }),
      ...(rule === undefined ? {} : { rule }),
      plan,
      grantedAt: now,
    };
    await this.#change((grants) => [
      ...grants.filter((other) => (other.server !== grant.server || other.plan === plan) && !isSame(other, grant)),
      grant,
    ]);
    this.#audit.record({
      actor,
      action: 'policy.allow',
      server: server.name,
      tool,
      ...(agent === undefined ? {} : { agent }),
      outcome: 'ok',
    });
  }

  /** Takes grants back: of a server, of one of its tools, of one agent. @returns how many there were. */
  async revoke(which: { server: string; tool?: string; agent?: string }, actor: AuditEntry['actor']): Promise<number> {
    const isMeant = ({ server, tool, agent }: CallGrant): boolean =>
      server === which.server && (which.tool === undefined || tool === which.tool) && (which.agent === undefined || agent === which.agent);
    const count = this.list().filter(isMeant).length;
    if (count === 0) return 0;
    await this.#change((grants) => grants.filter((grant) => !isMeant(grant)));
    this.#audit.record({ actor, action: 'policy.revoke', ...which, outcome: 'ok' });
    return count;
  }

  async #change(make: (grants: readonly CallGrant[]) => readonly CallGrant[]): Promise<void> {
    await this.#store.update((text) => Promise.resolve(JSON.stringify(make(text === undefined ? [] : parse(text)))));
    this.#changed.fire(undefined);
  }
}

function isSame(a: CallGrant, b: CallGrant): boolean {
  return a.server === b.server && a.tool === b.tool && a.agent === b.agent && a.rule === b.rule && a.plan === b.plan;
}

function parse(text: string): readonly CallGrant[] {
  try {
    return schema().parse(JSON.parse(text));
  } catch {
    return [];
  }
}
