import { hash, randomBytes } from 'node:crypto';
import type { AuditEntry, AuditSink } from '../../audit/entry';
import type { BlobStore } from '../../shared/blobStore';
import type { Clock } from '../../shared/clock';
import { Emitter } from '../../shared/disposable';
import { SecretsError } from '../../shared/errors';
import { formatAgents, NO_AGENTS, parseAgents } from './agentsDocument';
import type { AgentsDocument, TokenRecord } from './agentsDocument';
import { AgentUses } from './agentUses';

/** The names by which the product goes as an agent of its own. Nobody else gets them: sessions belong to names. */
export const OWN_AGENTS = { probe: 'MCP Secrets', commandLine: 'command line', editor: 'VS Code' } as const;

/** What may be known of a token. */
export interface TokenInfo {
  /** Names it: the first 8 hex digits of its hash. */
  readonly id: string;
  /** ms since the epoch, as the other times. */
  readonly issuedAt: number;
  readonly expiresAt?: number;
  readonly lastUsedAt?: number;
  /** Whether it outlives this process. */
  readonly lasting: boolean;
}

/** What may be known of an agent. */
export interface AgentInfo {
  readonly agent: string;
  /** The newest first, those that have expired too. */
  readonly tokens: readonly TokenInfo[];
  /** The servers that it may use, by name; without it: all. */
  readonly servers?: readonly string[];
  /** What it last said of itself in a handshake: a claim, never decided on. */
  readonly client?: string;
}

/** What agents need. */
export interface AgentsOptions {
  /** Keeps lasting tokens, hashed, and access. */
  readonly store: BlobStore;
  /** Keeps when tokens were used. */
  readonly uses: BlobStore;
  readonly audit: AuditSink;
  readonly clock: Clock;
}

/** The document as last read. */
interface Read {
  readonly text: string | undefined;
  readonly document: AgentsDocument;
  readonly byHash: ReadonlyMap<string, TokenRecord>;
}

/**
 * The agents that may use the proxy: each with tokens of its own and, if the user wants that, with certain servers only.
 * A token is 256 random bits as base64url, of which only SHA-256 is kept (enough for a random token: there is nothing to guess).
 */
export class Agents {
  readonly #store: BlobStore;
  readonly #uses: AgentUses;
  readonly #audit: AuditSink;
  readonly #clock: Clock;
  /** Tokens that end with the process, by hash. */
  readonly #temporary = new Map<string, TokenRecord>();
  #read: Read = { text: undefined, document: NO_AGENTS, byHash: new Map() };
  /** The document whose tokens have been revoked here, and may not be yet where it is stored. */
  #revoked: string | undefined;
  readonly #changed = new Emitter<undefined>();
  /** Fires when tokens or access were changed here. */
  readonly onDidChange = this.#changed.event;

  constructor({ store, uses, audit, clock }: AgentsOptions) {
    this.#store = store;
    this.#uses = new AgentUses(uses, (id) => this.#document().tokens.some((t) => idOf(t.hash) === id));
    this.#audit = audit;
    this.#clock = clock;
  }

  /**
   * A new token for an agent, valid until it is revoked or expires. Shown once: it cannot be had again.
   * @param expiresAt ms since the epoch; default: never. @param servers as for `allow`; default: as before.
   * @throws SecretsError `agentNameInvalid`.
   */
  async issue(
    agent: string,
    actor: AuditEntry['actor'],
    { expiresAt, servers }: { readonly expiresAt?: number; readonly servers?: readonly string[] | 'all' } = {},
  ): Promise<string> {
    refuseName(agent);
    const token = newToken();
    const record = { ...this.#recordOf(token, agent), ...(expiresAt === undefined ? {} : { expiresAt }) };
    await this.#change(({ tokens, access }) => ({
      tokens: [...tokens, record],
      access: servers === undefined ? access : withAccess(access, agent, servers),
    }));
    this.#note({ actor, action: 'agent.issue', agent, token: tokenId(token) });
    if (servers !== undefined) this.#note({ actor, action: 'agent.access', agent, ...(servers === 'all' ? {} : { servers }) });
    return token;
  }

  /** A new token that ends with this process, in place of the agent's earlier ones of that kind. Not kept anywhere. */
  issueTemporary(agent: string): string {
    const token = newToken();
    this.#endTemporary((record) => record.agent === agent);
    const record = this.#recordOf(token, agent);
    this.#temporary.set(record.hash, record);
    this.#changed.fire(undefined);
    return token;
  }

  /**
   * The agent that a token belongs to; its use is noted. What another process revokes counts 5 ms later at most.
   * @param hex the `hashOf` the token: what the time of looking it up could tell is a hash, from which no token follows.
   * @throws SecretsError `tokenWrong`, `tokenExpired`.
   */
  admit(hex: string): string {
    const record = this.#find(hex, true);
    if (record === undefined) throw new SecretsError('tokenWrong', {});
    const { agent, expiresAt } = record;
    const now = this.#clock.now();
    if (expiresAt !== undefined && expiresAt <= now) throw new SecretsError('tokenExpired', { agent, at: expiresAt });
    this.#uses.used(idOf(record.hash), now);
    return agent;
  }

  /** Whether a token is valid now. Does not count as a use. */
  isValid(token: string): boolean {
    const record = this.#find(hashOf(token));
    return record !== undefined && this.#isAlive(record);
  }

  /** Whether an agent has a token that is valid now. */
  hasToken(agent: string): boolean {
    const isOfAgent = (record: TokenRecord): boolean => record.agent === agent && this.#isAlive(record);
    return [...this.#temporary.values()].some(isOfAgent) || this.#document().tokens.some(isOfAgent);
  }

  /** Whether an agent may use a server. What another process changes counts 5 ms later at most. */
  mayUse(agent: string, server: string): boolean {
    const { document } = this.#refresh(true);
    return document.access.get(agent)?.has(server) ?? true;
  }

  /** Lets an agent use these servers only, or all, those to come too. @throws SecretsError `agentUnknown`. */
  async allow(agent: string, servers: readonly string[] | 'all', actor: AuditEntry['actor']): Promise<void> {
    this.#refuseUnknown(agent);
    await this.#change(({ tokens, access }) => ({ tokens, access: withAccess(access, agent, servers) }));
    this.#note({ actor, action: 'agent.access', agent, ...(servers === 'all' ? {} : { servers }) });
  }

  /** An agent said what it is (`clientInfo`). */
  claimed(agent: string, client: string): void {
    this.#uses.claimed(agent, client);
  }

  /** The agents with tokens or with limited access, by name. */
  list(): AgentInfo[] {
    const { tokens, access } = this.#document();
    const uses = this.#uses.read();
    const infoOf = ({ hash: hex, issuedAt, expiresAt }: TokenRecord): TokenInfo => {
      const id = idOf(hex);
      const lastUsedAt = uses.tokens.get(id);
      return {
        id,
        issuedAt,
        lasting: !this.#temporary.has(hex),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      };
    };
    const all = [...tokens, ...this.#temporary.values()].filter(({ agent }) => agent !== OWN_AGENTS.probe);
    const names = new Set([...all.map(({ agent }) => agent), ...access.keys()]);
    return [...names].sort().map((agent) => {
      const servers = access.get(agent);
      const client = uses.clients.get(agent);
      return {
        agent,
        tokens: all
          .filter((record) => record.agent === agent)
          .map(infoOf)
          // Those of one moment were issued in this order, too.
          .reverse()
          .sort((a, b) => b.issuedAt - a.issuedAt),
        ...(servers === undefined ? {} : { servers: [...servers].sort() }),
        ...(client === undefined ? {} : { client }),
      };
    });
  }

  /**
   * Ends all tokens of an agent, or the one with this id, at once. Which servers it may use stays as it is: a new token
   * gives it no more. @throws SecretsError `agentUnknown`, `tokenUnknown`.
   */
  async revoke(agent: string, actor: AuditEntry['actor'], id?: string): Promise<void> {
    const ends = (record: TokenRecord): boolean => record.agent === agent && (id === undefined || idOf(record.hash) === id);
    // First those that need no store: it could fail.
    const ended = this.#endTemporary(ends);
    if (!ended && !this.#document().tokens.some(ends)) {
      this.#refuseUnknown(agent);
      if (id !== undefined) throw new SecretsError('tokenUnknown', { agent, token: id });
    }
    await this.#change(({ tokens, access }) => ({ tokens: tokens.filter((record) => !ends(record)), access }));
    this.#note({ actor, action: 'agent.revoke', agent, ...(id === undefined ? {} : { token: id }) });
  }

  /** Ends all tokens of all agents: here before this returns, in other processes when it resolves. @throws SecretsError of the store. */
  async revokeAll(actor: AuditEntry['actor']): Promise<void> {
    this.#temporary.clear();
    this.#revoked = this.#store.read();
    this.#read = { text: undefined, document: NO_AGENTS, byHash: new Map() };
    if (this.#revoked !== undefined) await this.#change(({ access }) => ({ tokens: [], access }));
    else this.#changed.fire(undefined);
    this.#note({ actor, action: 'agent.revoke' });
  }

  /** Writes what is still to be written. Never rejects. */
  async flush(): Promise<void> {
    await this.#uses.flush();
  }

  #find(hex: string, mayBeLate = false): TokenRecord | undefined {
    const lasting = this.#refresh(mayBeLate).byHash.get(hex);
    return lasting ?? this.#temporary.get(hex);
  }

  #document(): AgentsDocument {
    return this.#refresh().document;
  }

  #refresh(mayBeLate = false): Read {
    const text = this.#store.read(mayBeLate);
    if (this.#read.text !== text) {
      const stored = parseAgents(text);
      const document = text === this.#revoked ? { ...stored, tokens: [] } : stored;
      this.#read = { text, document, byHash: new Map(document.tokens.map((record) => [record.hash, record])) };
    }
    return this.#read;
  }

  async #change(make: (document: AgentsDocument) => AgentsDocument): Promise<void> {
    await this.#store.update((text) => Promise.resolve(formatAgents(make(parseAgents(text)), this.#clock.now())));
    this.#changed.fire(undefined);
  }

  /** Returns whether there were any. */
  #endTemporary(ends: (record: TokenRecord) => boolean): boolean {
    const ended = [...this.#temporary.values()].filter(ends);
    for (const { hash } of ended) this.#temporary.delete(hash);
    return ended.length > 0;
  }

  #isAlive({ expiresAt = Infinity }: TokenRecord): boolean {
    return expiresAt > this.#clock.now();
  }

  #recordOf(token: string, agent: string): TokenRecord {
    return { agent, hash: hashOf(token), issuedAt: this.#clock.now() };
  }

  #refuseUnknown(agent: string): void {
    const known = this.list().map((info) => info.agent);
    if (!known.includes(agent)) throw new SecretsError('agentUnknown', { agent, known });
  }

  #note(entry: Omit<AuditEntry, 'time' | 'outcome'>): void {
    this.#audit.record({ ...entry, outcome: 'ok' });
  }
}

function withAccess(access: AgentsDocument['access'], agent: string, servers: readonly string[] | 'all'): AgentsDocument['access'] {
  const others = [...access].filter(([name]) => name !== agent);
  return new Map(servers === 'all' ? others : [...others, [agent, new Set(servers)]]);
}

/** The id of a token, by which it can be named without giving it away. */
export function tokenId(token: string): string {
  return idOf(hashOf(token));
}

function idOf(hex: string): string {
  return hex.slice(0, 8);
}

/** @throws SecretsError `agentNameInvalid` for a name that people could not read or tell apart from the product's own. */
export function refuseName(agent: string): void {
  const isOwn = Object.values<string>(OWN_AGENTS).includes(agent);
  if (isOwn || !/^[\p{L}\p{N}](?:[\p{L}\p{N} ._()-]{0,38}[\p{L}\p{N})])?$/u.test(agent))
    throw new SecretsError('agentNameInvalid', { agent });
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a token: its SHA-256, as hex. */
export function hashOf(token: string): string {
  return hash('sha256', token, 'hex');
}
