/** Resolves at the first request to stop (SIGINT, SIGTERM, SIGHUP). Later ones change nothing: what was started is ending by then. */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        resolve();
      });
  });
}
