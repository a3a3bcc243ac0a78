import { fixture } from './programs';
import type { Answer } from './agent';

/** The command of the scripted stdio server. */
export function scripted(...flags: string[]): string[] {
  return [process.execPath, fixture('scriptedStdio'), ...flags];
}

/** The first text of a tool's result. */
export function textOf({ messages }: Answer): string {
  const answer = messages.find(({ id, method }) => id !== undefined && method === undefined);
  const content = answer?.result?.content as { text: string }[] | undefined;
  const [first] = content ?? [];
  if (first === undefined) throw new Error(`no text: ${JSON.stringify(messages)}`);
  return first.text;
}

/** The JSON in the first text of a tool's result. */
export function valueOf(answer: Answer): unknown {
  return JSON.parse(textOf(answer)) as unknown;
}

/** What the `env` tool of the scripted server says. */
export interface OwnEnvironment {
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
}
