import type { Keeper } from './keeper';
import { carryAuditKeys, doneOf, nextStep } from './reseal';
import type { KeyStore } from './ports';

/** Hears how far it is: secrets sealed under the new key, of all. What it throws ends the rotation for now. */
export type Progress = (done: number, total: number) => void;

/**
 * Seals a vault under a new root key, part by part. Every part and every key is where it must be at each moment: a crash
 * leaves a vault under two keys, both kept, and the next call goes on. Others may read and write meanwhile.
 * @returns whether there was anything to do. @throws as `Keeper.change`; then some of it may be done, and can be gone on with.
 */
export async function rotateKey(keeper: Keeper, keys: KeyStore, progress: Progress): Promise<boolean> {
  const begun = await keeper.change(async ({ head }) => {
    const nextKeyId = head.nextKeyId ?? (await keeper.successorOf(head));
    return { changes: new Map(), value: true, ...(head.nextKeyId === undefined ? { patch: { nextKeyId } } : {}) };
  });
  return (await resumeRotation(keeper, keys, progress)) || begun === true;
}

/** Goes on with a rotation that was begun, if there is one. @returns whether there was. @throws as `rotateKey`. */
export async function resumeRotation(keeper: Keeper, keys: KeyStore, progress: Progress): Promise<boolean> {
  if (keeper.tree()?.head.nextKeyId === undefined) return false;
  while ((await step(keeper, progress)) === 'more');
  await retireFormerKey(keeper, keys);
  return true;
}

async function step(keeper: Keeper, progress: Progress): Promise<'more' | 'done' | undefined> {
  return keeper.change((open) => {
    const { head, tree } = open;
    const next = head.nextKeyId;
    if (next === undefined || next === head.keyId) return { changes: new Map(), value: 'done' };
    progress(doneOf(head, next), tree.count);
    const changes = nextStep(open, next);
    if (changes.size > 0) return { changes, patch: { shardKeyId: next }, value: 'more' };
    const formerAudit = carryAuditKeys(head.formerAudit, open.home(head.keyId), open.home(next));
    return { changes, patch: { keyId: next, formerAudit }, value: 'done' };
  });
}

/** Until the former key is destroyed, the head names the new one twice: so a crash in between does not leave the former one behind. */
async function retireFormerKey(keeper: Keeper, keys: KeyStore): Promise<void> {
  await keeper.change(async ({ head }) => {
    if (head.nextKeyId !== head.keyId) return { changes: new Map(), value: undefined };
    await keys.retire(head.vaultId, head.keyId);
    return { changes: new Map(), patch: { nextKeyId: null }, value: undefined };
  });
}
