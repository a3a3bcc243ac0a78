import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { SecretsError } from '../shared/errors';
import { lazily } from '../shared/lazily';
import { open } from './cipher';
import type { StoredSecret, StoredVersion } from './part';
import { currentOf, headOf, sealRecord } from './record';
import type { Home } from './record';

const documentSchema = lazily(() => {
  const id = z.string().regex(/^[0-9a-f]{32}$/);
  const time = z.int().nonnegative();

  return z.object({
    format: z.literal(1),
    vaultId: id,
    keyId: id,
    secrets: z.array(
      z.object({
        scope: z.string().min(1).max(128),
        name: z.string().regex(/^[A-Z0-9_]{1,128}$/),
        createdAt: time,
        head: z.string(),
        versions: z.array(z.object({ version: z.int().positive(), createdAt: time, sealed: z.string() })).min(1),
      }),
    ),
  });
});

/** A vault's document as the first version of the product wrote it: everything in one. */
export type FirstDocument = Readonly<z.infer<ReturnType<typeof documentSchema>>>;

/** Reads a document of format 1. @throws SecretsError `vaultDamaged`. */
export function parseFirst(text: string): FirstDocument {
  const result = documentSchema().safeParse(JSON.parse(text));
  if (!result.success)
    throw new SecretsError('vaultDamaged', { what: `unexpected content at ${result.error.issues[0]?.path.join('.') ?? ''}` });
  const names = new Set(result.data.secrets.map((s) => `${s.scope}/${s.name}`));
  if (names.size !== result.data.secrets.length) throw new SecretsError('vaultDamaged', { what: 'two secrets of one name' });
  return result.data;
}

/** Its secrets as they are sealed and proven today. What did not open or prove itself then stays as it is, and does not now. */
export function migrated({ secrets }: FirstDocument, home: Home): StoredSecret[] {
  return secrets.map((secret) => {
    const current = currentOf(secret.versions);
    const proof = createHmac('sha256', home.keys.heads)
      .update(firstContext(home, secret, current))
      .update(current.sealed)
      .digest('base64');
    if (proof !== secret.head) return { ...secret, head: '' };
    const body = { ...secret, versions: secret.versions.map((stored) => sealedAnew(home, secret, stored)) };
    return { ...body, head: headOf(home, body) };
  });
}

type Place = Pick<StoredSecret, 'scope' | 'name'>;

function sealedAnew(home: Home, { scope, name }: Place, stored: StoredVersion): StoredVersion {
  const value = open(home.keys.records, Buffer.from(stored.sealed, 'base64'), firstContext(home, { scope, name }, stored));
  if (value === undefined) return stored;
  try {
    return { ...stored, sealed: sealRecord(home, { scope, name, ...stored }, value) };
  } finally {
    value.fill(0);
  }
}

/** The additional data that a record of format 1 was sealed with. */
function firstContext({ vaultId, keys }: Home, { scope, name }: Place, { version }: StoredVersion): Buffer {
  return Buffer.from(JSON.stringify(['mcp-secrets/record', 1, vaultId, keys.fingerprint, scope, name, version]));
}
