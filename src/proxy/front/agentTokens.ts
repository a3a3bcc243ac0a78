import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { AuditEntry, AuditSink } from '../../audit/entry';
import type { BlobStore } from '../../shared/blobStore';

const schema = z.array(z.object({ agent: z.string(), hash: z.string().regex(/^[0-9a-f]{64}$/), issuedAt: z.number() }));
type Issued = z.infer<typeof schema>[number];

/** What may be known of an agent's access. */
export interface AgentInfo {
  readonly agent: string;
  /** How many of its tokens are valid. */
  readonly tokens: number;
  /** When the newest was issued; ms since the epoch. */
  readonly issuedAt: number;
}

/**
 * The agents that may use the proxy, each with tokens of its own: 256 random bits as base64url, of which
 * only SHA-256 is kept (enough for a random token: there is nothing to guess).
 */
export class AgentTokens {
  readonly #store: BlobStore | undefined;
  readonly #audit: AuditSink;
  readonly #temporary: Issued[] = [];
  #parsed: { text: string; issued: Issued[] } | undefined;

  /** @param store keeps the hashes of lasting tokens; without one, `issue` makes tokens that end with the process. */
  constructor(store: BlobStore | undefined, audit: AuditSink) {
    this.#store = store;
    this.#audit = audit;
  }

  /** A new token for an agent, valid until revoked. Shown once: it cannot be had again. */
  async issue(agent: string, actor: AuditEntry['actor'], now: number): Promise<string> {
    if (this.#store === undefined) return this.issueTemporary(agent, now);
    const token = newToken();
    await this.#store.update((text) =>
      Promise.resolve(JSON.stringify([...parse(text), { agent, hash: hashOf(token).toString('hex'), issuedAt: now }])),
    );
    this.#audit.record({ actor, action: 'agent.issue', agent, outcome: 'ok' });
    return token;
  }

  /** A new token that ends with this process, in place of the agent's earlier ones of that kind. Not kept anywhere. */
  issueTemporary(agent: string, now: number): string {
    const token = newToken();
    const others = this.#temporary.filter((t) => t.agent !== agent);
    this.#temporary.splice(0, Infinity, ...others, { agent, hash: hashOf(token).toString('hex'), issuedAt: now });
    return token;
  }

  /** The agent that a token belongs to, if any. Each comparison takes the same time, however much is equal. */
  verify(token: string): string | undefined {
    const presented = hashOf(token);
    const matches = (issued: Issued): boolean => timingSafeEqual(presented, Buffer.from(issued.hash, 'hex'));
    return (this.#temporary.find(matches) ?? this.#lasting().find(matches))?.agent;
  }

  /** The agents with lasting tokens, by name. */
  list(): AgentInfo[] {
    const agents = new Map<string, AgentInfo>();
    for (const { agent, issuedAt } of this.#lasting()) {
      const known = agents.get(agent);
      agents.set(agent, { agent, tokens: (known?.tokens ?? 0) + 1, issuedAt: Math.max(known?.issuedAt ?? 0, issuedAt) });
    }
    return [...agents.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1));
  }

  /** Ends all tokens of an agent, at once. */
  async revoke(agent: string, actor: AuditEntry['actor']): Promise<void> {
    this.#temporary.splice(0, Infinity, ...this.#temporary.filter((t) => t.agent !== agent));
    await this.#store?.update((text) => Promise.resolve(JSON.stringify(parse(text).filter((t) => t.agent !== agent))));
    this.#audit.record({ actor, action: 'agent.revoke', agent, outcome: 'ok' });
  }

  /** Ends all tokens of all agents, at once. @throws SecretsError of the store; tokens that end with the process have ended then. */
  async revokeAll(actor: AuditEntry['actor']): Promise<void> {
    this.#temporary.length = 0;
    await this.#store?.update((text) => Promise.resolve(text === undefined ? undefined : '[]'));
    this.#audit.record({ actor, action: 'agent.revoke', outcome: 'ok' });
  }

  #lasting(): Issued[] {
    const text = this.#store?.read();
    if (text === undefined) return [];
    if (this.#parsed?.text !== text) this.#parsed = { text, issued: parse(text) };
    return this.#parsed.issued;
  }
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function hashOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** An unreadable store means that nobody has access: agents can be given new tokens. */
function parse(text: string | undefined): Issued[] {
  try {
    return schema.parse(JSON.parse(text ?? '[]'));
  } catch {
    return [];
  }
}
