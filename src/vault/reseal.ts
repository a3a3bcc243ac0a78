import { open, seal } from './cipher';
import type { Head } from './head';
import type { VaultKeys } from './keys';
import type { StoredSecret, StoredVersion } from './part';
import { headOf, openRecord, sealRecord } from './record';
import type { Home } from './record';
import type { OpenTree } from './tree';

/** So many secrets are sealed anew in one step: few enough that nobody waits for it, enough that steps do not cost more than work. */
const STEP = 256;

/** The next parts to be sealed under the new key, with their secrets sealed so; none if all are. */
export function nextStep(tree: OpenTree, nextKeyId: string): Map<number, StoredSecret[]> {
  const step = new Map<number, StoredSecret[]>();
  let secrets = 0;
  for (const [index, shard] of tree.head.shards.entries()) {
    if (shard.keyId === nextKeyId) continue;
    const from = tree.home(shard.keyId);
    const to = tree.home(nextKeyId);
    step.set(
      index,
      tree.part(index).secrets.map((secret) => resealed(secret, secret.sound, from, to)),
    );
    secrets += shard.count;
    if (secrets >= STEP) break;
  }
  return step;
}

/** How many secrets are sealed under the new key already. */
export function doneOf({ shards }: Head, nextKeyId: string): number {
  return shards.reduce((sum, { keyId, count }) => sum + (keyId === nextKeyId ? count : 0), 0);
}

/** A secret under another key. What does not open stays as it is: under the new key as little as under the old one. */
export function resealed(secret: StoredSecret, sound: boolean, from: Home, to: Home): StoredSecret {
  if (!sound) return secret;
  const versions = secret.versions.map((stored): StoredVersion => {
    const value = openRecord(from, secret, stored);
    if (value === undefined) return stored;
    try {
      const { version, createdAt } = stored;
      return { ...stored, sealed: sealRecord(to, { scope: secret.scope, name: secret.name, version, createdAt }, value) };
    } finally {
      value.fill(0);
    }
  });
  const body = { ...secret, versions };
  return { ...body, head: headOf(to, body) };
}

type FormerAudit = Head['formerAudit'][number];

/** The audit keys of earlier root keys and of the one that is replaced, sealed under the new one. */
export function carryAuditKeys(former: readonly FormerAudit[], from: Home, to: Home): FormerAudit[] {
  const carried = former.flatMap((entry) => {
    const bytes = openAuditKey(entry, from);
    return bytes === undefined ? [] : [{ keyId: entry.keyId, bytes }];
  });
  const all = [...carried, { keyId: from.keys.fingerprint, bytes: from.keys.audit.export() }];
  return all.map(({ keyId, bytes }) => {
    const sealed = seal(to.keys.records, bytes, auditContext(to, keyId)).toString('base64');
    bytes.fill(0);
    return { keyId, sealed };
  });
}

/** An audit key of an earlier root key: 32 bytes that the caller overwrites; `undefined` if it does not open. */
export function openAuditKey({ keyId, sealed }: FormerAudit, home: Home): Buffer | undefined {
  return open(home.keys.records, Buffer.from(sealed, 'base64'), auditContext(home, keyId));
}

function auditContext({ vaultId, keys }: { vaultId: string; keys: VaultKeys }, keyId: string): Buffer {
  return Buffer.from(JSON.stringify(['mcp-secrets/former-audit-key', 1, vaultId, keys.fingerprint, keyId]));
}
