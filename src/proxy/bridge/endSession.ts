import type { Session, Sessions } from '../front/sessions';
import type { Upstream } from '../visit';

/** Ends a session that is not wanted any more. It is known until its child is gone, so that whoever stops everything waits for it. */
export function endSession(session: Session | undefined, sessions: Sessions, upstream: Upstream): void {
  if (session === undefined || !sessions.has(session)) return;
  void upstream.end(session).then(() => sessions.close(session));
}
