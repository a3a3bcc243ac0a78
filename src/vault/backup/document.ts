import * as z from 'zod';
import { SecretsError } from '../../shared/errors';
import { lazily } from '../../shared/lazily';
import { normalizeName, SCOPE_NAME } from '../name';
import { MAX_VALUE_BYTES } from '../secret';
import type { SecretSnapshot } from '../secret';

/** The format that this version writes. */
const FORMAT = 1;
/** The most bytes that the document may have: reading it takes several times as much memory. */
export const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024;

/** What a backup holds. Whoever gets one overwrites its values with `eraseValues`. */
export interface Backup {
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** The name of the workspace folder, without its path. */
  readonly workspace: string;
  /** By unique scope and name. */
  readonly secrets: readonly SecretSnapshot[];
  /** The text of the servers file, if there was one. */
  readonly serversFile?: string;
}

// Bounds keep what is taken in within what the vault and its dates can hold.
const documentSchema = lazily(() => {
  const time = z.int().nonnegative().max(8.64e15);

  const version = z.object({
    version: z.int().positive().max(1e9),
    createdAt: time,
    expiresAt: time.exactOptional(),
    value: z
      .base64()
      .min(1)
      .max(Math.ceil(MAX_VALUE_BYTES / 3) * 4),
  });

  const secret = z.object({
    scope: z.string().regex(SCOPE_NAME),
    name: z.string().max(128).refine(isNormal),
    createdAt: time,
    rotateEveryMs: z.int().positive().max(8.64e15).exactOptional(),
    versions: z
      .array(version)
      .min(1)
      .max(1000)
      .refine((versions) => versions.every(({ version }, i) => version > (versions[i - 1]?.version ?? 0))),
  });

  return z.object({
    format: z.literal(FORMAT),
    product: z.literal('mcp-secrets'),
    createdAt: time,
    workspace: z.string().max(255),
    secrets: z
      .array(secret)
      .max(100_000)
      .refine((secrets) => new Set(secrets.map(({ scope, name }) => `${scope}/${name}`)).size === secrets.length),
    serversFile: z
      .string()
      .max(4 * 1024 * 1024)
      .nullable(),
  });
});

const newerSchema = lazily(() => z.object({ product: z.literal('mcp-secrets'), format: z.int().gt(FORMAT) }));

/**
 * Writes a backup as a JSON document, UTF-8. The caller overwrites it; the strings it was put together from are out of reach.
 * @throws SecretsError `backupFailed` if it could not be read again.
 */
export function formatDocument({ createdAt, workspace, secrets, serversFile = '' }: Backup): Buffer {
  const document = {
    format: FORMAT,
    product: 'mcp-secrets',
    createdAt,
    workspace,
    secrets: secrets.map(({ versions, ...secret }) => ({
      ...secret,
      versions: versions.map(({ value, ...version }) => ({ ...version, value: value.toString('base64') })),
    })),
    serversFile: serversFile === '' ? null : serversFile,
  };
  const { error, data } = documentSchema().safeParse(document);
  if (error !== undefined) throw new SecretsError('backupFailed', { why: `${placeOf(error)} is not as it has to be` });
  const bytes = Buffer.from(JSON.stringify(data));
  if (bytes.length <= MAX_DOCUMENT_BYTES) return bytes;
  bytes.fill(0);
  throw new SecretsError('backupFailed', { why: 'there is more to back up than one file can take' });
}

/** Reads what `formatDocument` has written. @throws SecretsError `backupUnreadable`, `backupNewer`. */
export function parseDocument(bytes: Uint8Array): Backup {
  if (bytes.length > MAX_DOCUMENT_BYTES) throw new SecretsError('backupUnreadable', { why: 'it is too large' });
  const document = parseJson(bytes);
  const newer = newerSchema().safeParse(document).data;
  if (newer !== undefined) throw new SecretsError('backupNewer', { format: newer.format, known: FORMAT });
  const { error, data } = documentSchema().safeParse(document);
  if (error !== undefined) throw new SecretsError('backupUnreadable', { why: `${placeOf(error)} is not as it has to be` });
  const { createdAt, workspace, secrets, serversFile } = data;
  return {
    createdAt,
    workspace,
    secrets: secrets.map(({ versions, ...secret }) => ({
      ...secret,
      versions: versions.map(({ value, ...version }) => ({ ...version, value: Buffer.from(value, 'base64') })),
    })),
    ...(serversFile === null ? {} : { serversFile }),
  };
}

/** Overwrites the values of secrets with zeros. */
export function eraseValues(secrets: readonly SecretSnapshot[]): void {
  for (const { versions } of secrets) for (const { value } of versions) value.fill(0);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The error of JSON.parse quotes what it was given.
    throw new SecretsError('backupUnreadable', { why: 'what is inside is not the JSON of a backup' });
  }
}

/** Where the first problem is: keys and numbers, never what is there. */
function placeOf({ issues: [issue] }: z.ZodError): string {
  return issue === undefined || issue.path.length === 0 ? 'the document' : `"${issue.path.map(String).join('.')}"`;
}

function isNormal(name: string): boolean {
  try {
    return normalizeName(name) === name;
  } catch {
    return false;
  }
}
