import fc from 'fast-check';
import type { AuditEntry } from '../../../src/audit/entry';
import type { StreamRecord } from '../../../src/audit/stream/record';
import { anyText } from './arbitraries';

const anyName = fc.oneof(anyText(0, 40), anyText(300, 5000), fc.string({ unit: 'binary', maxLength: 40 }));

/** Any entry, with text in it that an agent would choose to do harm. */
export const anyEntry: fc.Arbitrary<AuditEntry> = fc.record(
  {
    time: fc
      .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2200-01-01T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString()),
    actor: fc.constantFrom('user', 'cli', 'agent', 'product'),
    action: fc.constantFrom('call', 'request', 'secret.set', 'agent.refuse', 'alert'),
    outcome: fc.constantFrom('ok', 'error', 'refused'),
    agent: anyName,
    server: anyName,
    method: anyName,
    tool: anyName,
    requestId: anyName,
    scope: anyName,
    secrets: fc.array(anyName, { maxLength: 40 }),
    versions: fc.dictionary(anyText(1, 30), fc.nat(), { maxKeys: 40 }),
    durationMs: fc.oneof(fc.nat(), fc.constant(1.5)),
    errorKind: anyName,
    count: fc.nat(),
    rule: anyName,
  },
  { requiredKeys: ['time', 'actor', 'action', 'outcome'] },
);

/** Any entry on its way. */
export const anyRecord: fc.Arbitrary<StreamRecord> = fc.record({
  id: fc.tuple(fc.nat(4_194_304), fc.nat()).map(([pid, n]) => `${String(pid)}-0123456789abcdef-${String(n)}`),
  entry: anyEntry,
});

/** A plain entry, to tell from others by its request id. */
export function entryNumber(n: number): AuditEntry {
  return {
    time: '2026-01-02T03:04:05.678Z',
    actor: 'agent',
    action: 'call',
    agent: 'Claude',
    server: 'github',
    tool: 'search',
    requestId: String(n),
    secrets: ['GITHUB_TOKEN'],
    versions: { GITHUB_TOKEN: 3 },
    outcome: 'ok',
    durationMs: 12,
  };
}
