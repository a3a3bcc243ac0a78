import type { AuditSink } from '../../audit/entry';
import { flagsOf, flagWords } from '../../bindings/toolFlags';
import type { Logger } from '../../shared/logger';
import { visible } from '../../shared/visible';
import type { Interceptor } from '../call';
import { objectAt } from '../jsonRpc';

/** Where the items of a list are in its answer. */
const LISTS: ReadonlyMap<string, string> = new Map([
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);

/** A server can have any number of resources: no more of a page are looked at, and no more remembered. */
const MAX_ITEMS = 1_000;

/**
 * Says once when the description of a prompt or resource is suspicious. Nothing is blocked: unlike tools, these are chosen by
 * the user, and what they hold comes into the conversation anyway.
 */
export function flaggedTexts(sink: AuditSink, logger: Logger): Interceptor {
  const told = new Set<string>();
  return {
    outgoing: (text, { server, redactor, message, call }) => {
      const key = LISTS.get(call?.method ?? '');
      const items: unknown = key === undefined ? undefined : objectAt(message, 'result')?.[key];
      if (!Array.isArray(items) || call === undefined) return text;
      for (const item of items.slice(0, MAX_ITEMS) as unknown[]) {
        const { name: given, title, description } = (item ?? {}) as Record<string, unknown>;
        const flags = flagsOf([given, title, description]);
        if (flags.length === 0 || typeof given !== 'string') continue;
        // The message is as it came: a server could put anything into a name.
        const name = redactor.text(given);
        const subject = JSON.stringify([server.name, call.method, name]);
        if (told.has(subject)) continue;
        if (told.size >= MAX_ITEMS) told.clear();
        told.add(subject);
        logger.warn(`[${server.name}] ${call.method}: "${visible(name.slice(0, 128))}" is suspicious: it ${flagWords(flags)}.`);
        sink.record({
          actor: 'product',
          action: 'tools.change',
          server: server.name,
          method: call.method,
          tool: name,
          outcome: 'ok',
          errorKind: 'textFlagged',
        });
      }
      return text;
    },
  };
}
