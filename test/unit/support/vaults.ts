import { formatDocument, parseDocument } from '../../../src/vault/document';
import type { VaultDocument } from '../../../src/vault/document';
import { Vault } from '../../../src/vault/vault';
import { FixedClock, MemoryBlobStore, MemoryKeyStore, RecordingAudit } from './memory';

/** A vault on stores that a test can reach into. */
export interface Bench {
  readonly store: MemoryBlobStore;
  readonly keys: MemoryKeyStore;
  readonly clock: FixedClock;
  readonly audit: RecordingAudit;
  readonly vault: Vault;
  /** What the vault's barrier says. */
  barrier: 'untrusted' | 'noFolder' | undefined;
  /** Another window: a vault on the same stores. */
  another: () => Vault;
}

/** A vault that has never held anything, or one with these secrets. */
export async function bench(secrets: Readonly<Record<string, string>> = {}): Promise<Bench> {
  const ports = { store: new MemoryBlobStore(), keys: new MemoryKeyStore(), clock: new FixedClock(), audit: new RecordingAudit() };
  const made: { barrier: Bench['barrier'] } = { barrier: undefined };
  const another = (): Vault => new Vault({ ...ports, barrier: () => made.barrier });
  const result: Bench = Object.assign(made, ports, { another, vault: another() });
  for (const [name, value] of Object.entries(secrets)) await result.vault.set(name, Buffer.from(value), 'user');
  return result;
}

/** The value of a secret as text. */
export async function valueOf(vault: Vault, name: string, scope?: string): Promise<string> {
  const [opened] = await vault.open([name], scope);
  return opened?.value.toString() ?? '';
}

/** The stored document. */
export function documentOf({ store }: Pick<Bench, 'store'>): VaultDocument {
  return parseDocument(store.text ?? '');
}

/** Replaces the stored document, as somebody with access to the disk would. */
export function tamper({ store }: Pick<Bench, 'store'>, change: (document: VaultDocument) => VaultDocument): void {
  store.text = formatDocument(change(parseDocument(store.text ?? '')));
}

/** The stored document with another current record of one secret. */
export function withSealed(document: VaultDocument, name: string, change: (sealed: Buffer) => Buffer): VaultDocument {
  return {
    ...document,
    secrets: document.secrets.map((secret) =>
      secret.name !== name
        ? secret
        : {
            ...secret,
            versions: secret.versions.map((version, i) =>
              i < secret.versions.length - 1
                ? version
                : { ...version, sealed: change(Buffer.from(version.sealed, 'base64')).toString('base64') },
            ),
          },
    ),
  };
}
