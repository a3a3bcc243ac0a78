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
 * Listens on ports that agents may have been told. One that another program has (the window of VS Code that is just ending, or a
 * second one on the same folder) is taken over once it is free, so that those agents find the proxy again; if all are taken, one
 * that the system chooses takes their place.
 * @param ports 0 lets the system choose. @returns a listener whose `port` is the first that is not taken.
 * @throws SecretsError `listenFailed`; then it listens on none.
 */
export async function listenOnPromisedPorts(ports: readonly number[], handlerAt: HandlerAt, logger: Logger): Promise<Listener> {
  const open: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()));
  };
  try {
    const taken: number[] = [];
    for (const port of ports) {
      const listener = await listenUnlessTaken(port, handlerAt);
      if (listener === undefined) taken.push(port);
      else open.push(listener);
    }
    if (open.length === 0) open.push(await listenAt(0, handlerAt));
    const port = open[0]?.port ?? 0;
    for (const other of taken) {
      logger.warn(
        `Port ${String(other)} is used by another program. The proxy listens on ${String(port)}, and on that port as soon as it is free.`,
      );
      open.push(takeOver(other, handlerAt, logger));
    }
    return { port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tries until it listens or is closed. */
function takeOver(port: number, handlerAt: HandlerAt, logger: Logger): Listener {
  let listener: Listener | undefined;
  let attempt = Promise.resolve();
  const attempts = setInterval(() => {
    attempt = attempt.then(tryOnce);
  }, AGAIN_MS).unref();
  const tryOnce = async (): Promise<void> => {
    if (listener !== undefined) return;
    // What fails otherwise than by being taken may work later as well, and agents have the other port.
    listener = await listenUnlessTaken(port, handlerAt).catch(() => undefined);
    if (listener === undefined) return;
    clearInterval(attempts);
    logger.info(`The proxy listens on port ${String(port)} now, too.`);
  };
  return {
    port,
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
