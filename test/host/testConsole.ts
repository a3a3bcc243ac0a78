import { format } from 'node:util';

/** Begins each line that the tests inside the extension host print; VS Code's own chatter comes without it. */
export const testLineMark = '[test] ';

/** Marks all that is printed with `console.log` from now on. Must run before mocha is loaded, which keeps the function. */
export function markConsole(): void {
  const original = console;
  const log = (...args: unknown[]): void => {
    original.log(testLineMark + format(...args));
  };
  // A new object, because the extension host's console ignores that its methods are replaced.
  globalThis.console = Object.create(original, { log: { value: log } }) as Console;
}
