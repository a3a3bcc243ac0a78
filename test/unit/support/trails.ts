import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AuditLog } from '../../../src/audit/auditLog';
import type { AuditLogParts } from '../../../src/audit/auditLog';
import type { AuditEntry } from '../../../src/audit/entry';
import type { AuditKey, AuditKeys } from '../../../src/audit/keys';
import { segmentPaths } from '../../../src/audit/segments';
import { FixedClock, RecordingLogger } from './memory';

/** The audit key with this number. */
export function auditKey(number: number): AuditKey {
  return { id: number.toString(16).padStart(32, '0'), key: createSecretKey(Buffer.alloc(32, number)) };
}

/** Audit keys as a test sets them. */
export class FixedKeys implements AuditKeys {
  now: AuditKey | undefined;
  readonly known = new Map<string, AuditKey>();

  constructor(...numbers: number[]) {
    for (const number of numbers) this.use(number);
  }

  /** Makes a key the current one; those before stay known. */
  use(number: number): void {
    this.now = auditKey(number);
    this.known.set(this.now.id, this.now);
  }

  current(): Promise<AuditKey | undefined> {
    return Promise.resolve(this.now);
  }

  byId(id: string): Promise<AuditKey | undefined> {
    return Promise.resolve(this.known.get(id));
  }
}

/** An entry about a server. */
export function entry(server: string): Omit<AuditEntry, 'time'> {
  return { actor: 'agent', action: 'call', agent: 'a', server, tool: 't', secrets: ['K'], outcome: 'ok' };
}

/** Opens a log with what a test does not care about. */
export function openLog(path: string, parts: Partial<AuditLogParts> = {}): AuditLog {
  return new AuditLog({ path, clock: new FixedClock(), logger: new RecordingLogger(), keys: new FixedKeys(1), ...parts });
}

/** Writes entries about servers with these names, in batches. */
export async function writeTrail(path: string, batches: readonly (readonly string[])[], parts: Partial<AuditLogParts> = {}): Promise<void> {
  const log = openLog(path, parts);
  for (const batch of batches) {
    for (const server of batch) log.record(entry(server));
    await log.flush();
  }
  await log.close();
}

/** The files of a trail, oldest first. */
export function trailFiles(path: string): string[] {
  return [...segmentPaths(path), path];
}

/** The lines of a trail as they stand in its files. */
export function linesOf(path: string): string[] {
  return trailFiles(path).flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1));
}
