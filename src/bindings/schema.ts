import * as z from 'zod';
import { lazily } from '../shared/lazily';
import { SCOPE_NAME } from '../vault/name';
import { RESERVED_HEADERS } from './binding';
import { limitsSchema } from './limits';
import { patterns, policySchema } from './policySchema';

const MODE_LIST = '"header", "bearer", "body" or "env"';
const NUL = { error: 'This cannot contain a NUL character.' };

const secrets = lazily(() => {
  const mode = z
    .enum(['header', 'bearer', 'body', 'env'], { error: `The mode must be ${MODE_LIST}.` })
    .meta({ description: 'How the server receives the secret.' });
  const bindingObject = z.strictObject({
    as: mode,
    name: z
      .string()
      .min(1, { error: 'This must not be empty.' })
      .optional()
      .meta({ description: 'The header, environment variable or body key to use.' }),
    template: z
      .string()
      .includes('${value}', { error: 'The template must contain ${value}.' })
      .optional()
      .meta({ description: 'What is sent; ${value} stands for the value, e.g. "Token ${value}".' }),
    tools: patterns()
      .optional()
      .meta({ description: 'Sends it with calls of these tools only; * stands for any characters, ? for one. Not for "env".' }),
  });
  return z
    .record(z.string(), z.union([mode, bindingObject]))
    .meta({ description: 'The secrets that this server receives, by name, each with its mode. It receives no others.' });
});

const scope = lazily(() =>
  z.string().regex(SCOPE_NAME, { error: 'A scope has 1 to 64 letters, digits, ".", "_" or "-", and starts with a letter or digit.' }).meta({
    description: 'The scope of its secrets. Default: "workspace". "user" is the scope that all workspaces of this user share.',
  }),
);

/** The last fields of every server. */
const common = lazily(() => ({
  secrets: secrets().optional(),
  scope: scope().optional(),
  limits: limitsSchema().optional(),
  policy: policySchema().optional(),
}));

const headers = lazily(() =>
  z
    .record(
      z
        .string()
        .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'This is not a header name.' })
        .refine((name) => name.toLowerCase() === 'accept' || !RESERVED_HEADERS.has(name.toLowerCase()), {
          error: 'This header belongs to the connection.',
        }),
      z
        .string()
        .regex(/^[^\0-\x08\x0a-\x1f\x7f]*$/, { error: 'A header cannot contain line breaks or control characters.' })
        .regex(/^[\0-\xff]*$/, { error: 'A header cannot contain this character. Characters up to U+00FF can be sent.' }),
    )
    .meta({ description: 'Headers that are no secrets.' }),
);

const url = lazily(() =>
  z.string().refine(isHttpUrl, { error: 'This must be an http:// or https:// address without a user name, password or fragment.' }),
);

const protocol = lazily(() =>
  z
    .enum(['2025-11-25', '2026-07-28'], { error: 'This must be "2025-11-25" or "2026-07-28".' })
    .meta({ description: 'The revision of MCP that the server speaks. Default: it is found out.' }),
);

/** An `http` server in the servers file. */
export const httpSchema = lazily(() =>
  z.strictObject({
    type: z.literal('http').optional(),
    url: url().meta({ description: 'The address of the MCP server (Streamable HTTP).' }),
    protocol: protocol().optional(),
    headers: headers().optional(),
    ...common(),
  }),
);

/** An `http` server of the old transport in the servers file. */
export const sseSchema = lazily(() =>
  httpSchema()
    .omit({ protocol: true })
    .extend({
      type: z.literal('sse'),
      url: url().meta({ description: "The address of the MCP server's event stream (HTTP+SSE, the transport of 2024-11-05)." }),
    }),
);

/** A `stdio` server in the servers file. */
export const stdioSchema = lazily(() => {
  const text = z.string().regex(/^[^\0]*$/, NUL);
  const filled = z
    .string()
    .min(1, { error: 'This must not be empty.' })
    .regex(/^[^\0]*$/, NUL);
  return z.strictObject({
    type: z.literal('stdio').optional(),
    command: filled.meta({ description: 'The program to start. ${workspaceFolder} and ${userHome} may be used.' }),
    args: z.array(text).optional().meta({ description: 'Its arguments. Visible to every process: no secrets here.' }),
    env: z
      .record(z.string().regex(/^[^=\0]+$/, { error: 'This is not the name of a variable.' }), z.union([text, z.number(), z.null()]))
      .optional()
      .meta({ description: 'Environment variables that are no secrets.' }),
    cwd: filled.optional().meta({ description: 'The folder to start it in. Default: the workspace folder.' }),
    protocol: protocol().optional(),
    ...common(),
  });
});

/** A `function` server in the servers file. */
export const functionSchema = lazily(() =>
  z.strictObject({
    type: z.literal('function'),
    url: url().meta({ description: 'The address that each call is POSTed to.' }),
    headers: headers().optional(),
    tools: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, { error: 'A tool name has 1 to 128 letters, digits, ".", "_" or "-".' }),
          description: z.string().optional(),
          inputSchema: z.record(z.string(), z.unknown()).optional().meta({ description: 'JSON Schema of the arguments.' }),
        }),
      )
      .min(1, { error: 'A function needs at least one tool.' })
      .meta({ description: 'The tools that this endpoint offers.' }),
    ...common(),
  }),
);

/** The names that a server may have. They are a path segment of the proxy. */
export const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The whole servers file, for the editor's JSON support; reading it is serversFile.ts. */
export const fileSchema = lazily(() =>
  z.strictObject({
    $schema: z.string().optional(),
    servers: z
      .record(z.string().regex(SERVER_NAME), z.union([httpSchema(), sseSchema(), stdioSchema(), functionSchema()]))
      .meta({ description: 'MCP servers by name.' }),
  }),
);

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, hash } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '' && hash === '';
}
