import { objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import type { Branch } from './branch';
import type { Outbox } from './outbox';

const LEVELS: readonly string[] = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
const OURS = 'warning';

/** What an agent is told as log messages: those of servers, each with the name of its server, and our own. */
export class Logs {
  readonly #outbox: Outbox;
  /** What was last said of each server. */
  readonly #said = new Map<string, string>();
  #level: string | undefined;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Remembers the level that the agent wants; false if there is no such level. */
  set(level: unknown): boolean {
    if (typeof level !== 'string' || !LEVELS.includes(level)) return false;
    this.#level = level;
    return true;
  }

  /** What a server has to be told when it joins. */
  settings(branch: Branch): { readonly method: string; readonly params: unknown }[] {
    return this.#level === undefined || branch.capabilities.logging === undefined
      ? []
      : [{ method: 'logging/setLevel', params: { level: this.#level } }];
  }

  /** A message of a server with the name of the server before that of its logger; any other message as it is. */
  outgoing(server: string, message: Message): Message {
    if (message.method !== 'notifications/message') return message;
    const logger = stringAt(message.params, 'logger');
    return { ...message, params: { ...objectAt(message, 'params'), logger: logger === undefined ? server : `${server}/${logger}` } };
  }

  /** Says what is wrong with a server, unless that was the last thing said of it. */
  problem(server: string, reason: string): void {
    if (this.#said.get(server) === reason || LEVELS.indexOf(this.#level ?? OURS) > LEVELS.indexOf(OURS)) return;
    this.#said.set(server, reason);
    const params = { level: OURS, logger: 'mcp-secrets', data: reason };
    this.#outbox.say(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params }));
  }
}
