import * as z from 'zod';
import { lazily } from '../../shared/lazily';

/** A token that was issued, without the token itself. */
export interface TokenRecord {
  readonly agent: string;
  /** SHA-256 of the token, in hex. */
  readonly hash: string;
  /** ms since the epoch. */
  readonly issuedAt: number;
  /** From when on it is refused; ms since the epoch. Without it: never. */
  readonly expiresAt?: number;
}

/** What is kept of agents: their tokens, and which servers those may use whose servers are limited. */
export interface AgentsDocument {
  readonly tokens: readonly TokenRecord[];
  /** By agent. An agent that is not in it may use every server. */
  readonly access: ReadonlyMap<string, ReadonlySet<string>>;
}

const FORMAT = 2;

/** So long after its end a token is still told apart from one that never was. */
const REMEMBERED_MS = 90 * 24 * 60 * 60 * 1000;

/** All of the first format, which had no access, and no token ended. */
const tokensSchema = lazily(() =>
  z.array(
    z.object({
      agent: z.string(),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      issuedAt: z.number(),
      expiresAt: z.number().exactOptional(),
    }),
  ),
);

const schema = lazily(() =>
  z.object({
    format: z.literal(FORMAT),
    tokens: tokensSchema(),
    access: z.array(z.object({ agent: z.string(), servers: z.array(z.string()) })),
  }),
);

/** Nobody has access. */
export const NO_AGENTS: AgentsDocument = { tokens: [], access: new Map() };

/** Reads the document in any of its formats. An unreadable one means that nobody has access: agents can be given new tokens. */
export function parseAgents(text: string | undefined): AgentsDocument {
  if (text === undefined) return NO_AGENTS;
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return { tokens: tokensSchema().parse(value), access: new Map() };
    const { tokens, access } = schema().parse(value);
    return { tokens, access: new Map(access.map(({ agent, servers }) => [agent, new Set(servers)])) };
  } catch {
    return NO_AGENTS;
  }
}

/** The document as text, without tokens that ended long ago. @param now ms since the epoch. */
export function formatAgents({ tokens, access }: AgentsDocument, now: number): string {
  return JSON.stringify({
    format: FORMAT,
    tokens: tokens.filter(({ expiresAt = Infinity }) => expiresAt + REMEMBERED_MS > now),
    access: [...access].map(([agent, servers]) => ({ agent, servers: [...servers] })),
  } satisfies z.infer<ReturnType<typeof schema>>);
}
