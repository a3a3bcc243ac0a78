import type { Proxy } from '../proxy/proxy';
import type { Disposable } from '../shared/disposable';

/** How often to look, in ms. */
const LOOK_MS = 1_000;

/** What can be locked from outside. */
export interface Lockable {
  /** Sync and cheap. May throw while the store cannot be read. */
  lockState(): 'open' | 'locked' | 'panic';
}

/**
 * Ends what the proxy has open within a second of the vault being locked by another process. New calls are refused by the
 * vault itself; this is for what runs without any.
 * @param failed hears of tokens that could not be revoked.
 */
export function followLock(vault: Lockable, proxy: Pick<Proxy, 'closeSessions' | 'panic'>, failed: (error: unknown) => void): Disposable {
  const look = (): ReturnType<Lockable['lockState']> | undefined => {
    try {
      return vault.lockState();
    } catch {
      return undefined; // Calls fail with the reason.
    }
  };
  let last = look();
  const timer = setInterval(() => {
    const now = look();
    if (now === undefined || now === last) return;
    last = now;
    if (now === 'panic') proxy.panic('product').catch(failed);
    else if (now === 'locked') void proxy.closeSessions();
  }, LOOK_MS).unref();
  return {
    dispose: () => {
      clearInterval(timer);
    },
  };
}
