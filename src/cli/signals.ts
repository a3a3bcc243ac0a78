/** Resolves at the first request to stop (SIGINT, SIGTERM, SIGHUP). Later ones change nothing: what was started is ending by then. */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      // Not `once`: a library that counts listeners (signal-exit, with the first lock) would end the process at the first signal.
      process.on(signal, () => {
        resolve();
      });
  });
}
