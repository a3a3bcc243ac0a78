import * as z from 'zod';
import { digestOf } from '../shared/canonicalJson';
import { lazily } from '../shared/lazily';
import type { Pin, ServerPins } from './pinRules';
import type { Server } from './server';
import { FLAGS } from './toolFlags';

const pin = lazily(() =>
  z.object({
    accepted: z.string().optional(),
    offered: z.string().optional(),
    flags: z.array(z.enum(FLAGS)).optional(),
    former: z.literal(true).optional(),
  }),
);

/** Tools are pairs: a tool may have any name, also one that means something to JavaScript. */
const document = lazily(() =>
  z.object({
    format: z.literal(1),
    servers: z.array(
      z.object({
        name: z.string(),
        target: z.string(),
        began: z.number().optional(),
        complete: z.boolean(),
        reviews: z.number(),
        about: z.array(z.tuple([z.enum(['instructions', 'serverInfo']), pin()])),
        tools: z.array(z.tuple([z.string(), pin()])),
      }),
    ),
  }),
);

/** Everything that is known of the servers of a workspace, by name. */
export type AllPins = ReadonlyMap<string, ServerPins>;

/** Reads the stored document. `undefined` if it is none, or one of a later version. */
export function parsePins(text: string): AllPins | undefined {
  try {
    const { servers } = document().parse(JSON.parse(text));
    return new Map(
      servers.map(({ tools, about, began, ...rest }) => [rest.name, { ...rest, began, tools: mapOf(tools), about: mapOf(about) }]),
    );
  } catch {
    return undefined;
  }
}

/** The document to store. */
export function pinsText(all: AllPins): string {
  return JSON.stringify({
    format: 1,
    servers: [...all.values()].map(({ tools, about, ...rest }) => ({ ...rest, tools: [...tools], about: [...about] })),
  });
}

/**
 * The digest of what a server is: what is started or contacted. With another one behind its name, its tools are those of
 * another server. Its secrets, their scope and what is allowed with it make no difference.
 */
export function targetDigest(server: Server): string {
  let digest = digests.get(server);
  if (digest === undefined) digests.set(server, (digest = digestOf(targetOf(server))));
  return digest;
}

function targetOf(server: Server): unknown {
  switch (server.type) {
    case 'http':
      return { url: server.url, headers: server.headers };
    case 'stdio':
      return { command: server.command, args: server.args, cwd: server.cwd, env: server.env };
    case 'function':
      return { url: server.url, headers: server.headers, tools: server.tools };
  }
}

/** Servers do not change once they are read. */
const digests = new WeakMap<Server, string>();

function mapOf<K>(pairs: readonly (readonly [K, z.infer<ReturnType<typeof pin>>])[]): Map<K, Pin> {
  return new Map(
    pairs.map(([name, { accepted, offered, flags, former }]) => [
      name,
      {
        ...(accepted === undefined ? {} : { accepted }),
        ...(offered === undefined ? {} : { offered }),
        ...(flags === undefined ? {} : { flags }),
        ...(former === undefined ? {} : { former }),
      },
    ]),
  );
}
