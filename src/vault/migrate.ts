import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { SecretsError } from '../shared/errors';
import type { StoredSecret } from './part';
import { contextOf, currentOf, headOf } from './record';
import type { Home } from './record';

const id = z.string().regex(/^[0-9a-f]{32}$/);
const time = z.int().nonnegative();

const documentSchema = z.object({
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

/** A vault's document as the first version of the product wrote it: everything in one. */
export type FirstDocument = Readonly<z.infer<typeof documentSchema>>;

/** Reads a document of format 1. @throws SecretsError `vaultDamaged`. */
export function parseFirst(text: string): FirstDocument {
  const result = documentSchema.safeParse(JSON.parse(text));
  if (!result.success)
    throw new SecretsError('vaultDamaged', { what: `unexpected content at ${result.error.issues[0]?.path.join('.') ?? ''}` });
  const names = new Set(result.data.secrets.map((s) => `${s.scope}/${s.name}`));
  if (names.size !== result.data.secrets.length) throw new SecretsError('vaultDamaged', { what: 'two secrets of one name' });
  return result.data;
}

/** Its secrets with the proofs of today. The records stay sealed as they are; what did not prove itself then does not now. */
export function migrated(document: FirstDocument, home: Home): StoredSecret[] {
  return document.secrets.map((secret) => {
    const current = currentOf(secret.versions);
    const place = { scope: secret.scope, name: secret.name, version: current.version };
    const head = createHmac('sha256', home.keys.heads).update(contextOf(home, place)).update(current.sealed).digest('base64');
    return { ...secret, head: head === secret.head ? headOf(home, secret) : '' };
  });
}
