import { spawn } from 'node:child_process';
import { until } from './eventually';
import type { Workplace } from './workplace';

/** What happened on a terminal. */
export interface Shown {
  readonly shown: string;
  readonly code: number | null;
}

/**
 * Runs a command line on a terminal, with `script` of util-linux (Linux only): types each answer when its prompt is there.
 * @param command for the shell. @param answers each a prompt, as it ends what is shown, and what is typed then, with a line break after it.
 */
export async function onTerminal(
  place: Workplace,
  command: string,
  answers: readonly (readonly [prompt: string, typed: string])[],
): Promise<Shown> {
  const env = { ...place.env, SHELL: '/bin/sh' };
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: place.workspace, env });
  const out = { shown: '', closed: false };
  // A command that has ended takes nothing any more: what it showed says why.
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out.shown += text));
  const closed = new Promise<number | null>((resolve) =>
    child.on('close', (code) => {
      out.closed = true;
      resolve(code);
    }),
  );
  let from = 0;
  for (const [prompt, typed] of answers) {
    const at = (): number => out.shown.indexOf(prompt, from);
    await until(`the prompt "${prompt}" in ${JSON.stringify(out.shown)}`, () => at() >= 0 || out.closed);
    if (at() < 0) break;
    from = at() + prompt.length;
    child.stdin.write(`${typed}\r`);
  }
  const code = await closed;
  return { shown: out.shown, code };
}
