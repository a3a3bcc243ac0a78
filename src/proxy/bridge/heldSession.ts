import type { Clock } from '../../shared/clock';
import type { Session, Sessions } from '../front/sessions';
import type { Upstream } from '../visit';

// Sessions that are held for an agent which does not know of them.

/** Counts work as a use of a session, from beginning to end. */
export async function during(session: Session | undefined, clock: Clock, work: () => Promise<void>): Promise<void> {
  if (session !== undefined) session.visits += 1;
  try {
    await work();
  } finally {
    if (session !== undefined) {
      session.visits -= 1;
      session.usedAt = clock.now();
    }
  }
}

/** Ends a session that is not wanted any more. It is known until its child is gone, so that whoever stops everything waits for it. */
export function endSession(session: Session | undefined, sessions: Sessions, upstream: Upstream): void {
  if (session === undefined || !sessions.has(session)) return;
  void upstream.end(session).then(() => sessions.close(session));
}
