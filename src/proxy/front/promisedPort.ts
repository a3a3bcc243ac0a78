import { isSecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { Entrance } from './guards';
import { listenOnPort } from './listeners';
import type { Handler, Listener } from './listeners';

/** How often a port that was taken is tried again, in ms. */
const AGAIN_MS = 2_000;

/** Below it are the ports that programs need a right for. */
const FREE_FOR_ALL = 1_024;

/** Makes what answers the requests that come in at `entrance`. */
export type HandlerAt = (entrance: Entrance) => Handler;

/**
 * Listens on a port that agents may have been told. While another program has it (the window of VS Code that is just
 * ending, or a second one on the same folder), one that the system chooses takes its place; it is taken over once it is free,
 * so that those agents find the proxy again. @param port 0 lets the system choose.
 * @returns a listener whose `port` is the one that was there first. @throws SecretsError `listenFailed`.
 */
export async function listenOnPromisedPort(port: number, handlerAt: HandlerAt, logger: Logger): Promise<Listener> {
  const promised = await listenUnlessTaken(port, handlerAt);
  if (promised !== undefined) return promised;
  const instead = await listenAt(0, handlerAt);
  const [taken, used] = [String(port), String(instead.port)];
  logger.warn(`Port ${taken} is used by another program. The proxy listens on port ${used}, and on ${taken} as soon as it is free.`);
  const takeover = takeOver(port, handlerAt, () => {
    logger.info(`The proxy listens on port ${taken} now, too.`);
  });
  return {
    port: instead.port,
    close: async () => {
      await Promise.all([takeover.close(), instead.close()]);
    },
  };
}

/** Tries until it listens or is closed. */
function takeOver(port: number, handlerAt: HandlerAt, done: () => void): { readonly close: () => Promise<void> } {
  let listener: Listener | undefined;
  let attempt = Promise.resolve();
  const attempts = setInterval(() => {
    attempt = attempt.then(tryOnce);
  }, AGAIN_MS).unref();
  const tryOnce = async (): Promise<void> => {
    // What fails otherwise than by being taken may work later as well, and agents have the other port.
    listener ??= await listenUnlessTaken(port, handlerAt).catch(() => undefined);
    if (listener === undefined) return;
    clearInterval(attempts);
    done();
  };
  return {
    close: async () => {
      clearInterval(attempts);
      await attempt;
      await listener?.close();
    },
  };
}

/** `undefined`: another program has it. @throws SecretsError `listenFailed`. */
async function listenUnlessTaken(port: number, handlerAt: HandlerAt): Promise<Listener | undefined> {
  try {
    return await listenAt(port, handlerAt);
  } catch (error) {
    if (isSecretsError(error, 'listenFailed') && isTaken(port, error.details.reason)) return undefined;
    throw error;
  }
}

/** Windows keeps ports for virtual machines, others after each start, and refuses them as if a right were missing. */
function isTaken(port: number, reason: string): boolean {
  return reason === 'EADDRINUSE' || (reason === 'EACCES' && port >= FREE_FOR_ALL);
}

/** @throws SecretsError `listenFailed`. */
async function listenAt(port: number, handlerAt: HandlerAt): Promise<Listener> {
  // The port is known before the first request can come in.
  const entrance = { port };
  const listener = await listenOnPort(port, handlerAt(entrance));
  entrance.port = listener.port;
  return listener;
}
