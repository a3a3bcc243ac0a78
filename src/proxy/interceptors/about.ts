import type { About } from '../../bindings/pins';
import { canonical } from '../../shared/canonicalJson';
import { META } from '../bridge/era';
import { objectAt } from '../jsonRpc';

type Fields = Readonly<Record<string, unknown>>;

/** A version like that says nothing to an agent, and is another one with each release. */
const VERSION = /^v?\d[\w.+-]{0,40}$/;

/** Whether a result looks like the answer to a handshake. */
export function isAbout(result: Fields): boolean {
  return 'instructions' in result || 'serverInfo' in result || metaInfo(result) !== undefined;
}

/**
 * What the answer to a handshake (`initialize`, `server/discover`) says of the server: its instructions, `null` if there
 * are none; its name and the like, if the answer has them, without an ordinary version. They are in `serverInfo`, or in `_meta` since
 * 2026-07-28; `agrees` is whether they are the same where they are in both.
 */
export function aboutIn(result: Fields): { readonly about: About; readonly agrees: boolean } {
  const infos = [objectAt(result, 'serverInfo'), metaInfo(result)].filter((info) => info !== undefined).map(withoutVersion);
  const [info, other] = infos;
  const about = { instructions: result.instructions ?? null, ...(info === undefined ? {} : { serverInfo: info }) };
  return { about, agrees: other === undefined || isSame(info, other) };
}

/** The answer with other words about the server, wherever it has them. @param name for a server that may not say its own. */
export function withAbout(result: Fields, about: About, name: string): Fields {
  const told = objectAt(about, 'serverInfo') ?? { name };
  const meta = metaInfo(result);
  return {
    ...result,
    // What is undefined is no member of JSON.
    instructions: about.instructions ?? undefined,
    serverInfo: withVersionOf(objectAt(result, 'serverInfo'), told),
    _meta: meta === undefined ? result._meta : { ...objectAt(result, '_meta'), [META.server]: withVersionOf(meta, told) },
  };
}

function metaInfo(result: Fields): Fields | undefined {
  return objectAt(objectAt(result, '_meta'), META.server);
}

function withVersionOf(info: Fields | undefined, told: Fields): Fields | undefined {
  if (info === undefined) return undefined;
  return { version: isOrdinary(info.version) ? info.version : '0', ...told };
}

function withoutVersion(info: Fields): Fields {
  const { version, ...rest } = info;
  return isOrdinary(version) ? rest : info;
}

function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function isOrdinary(version: unknown): boolean {
  return typeof version === 'string' && VERSION.test(version);
}
