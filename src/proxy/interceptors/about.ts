import type { About } from '../../bindings/pins';
import { objectAt } from '../jsonRpc';

type Fields = Readonly<Record<string, unknown>>;

/** A version like that says nothing to an agent, and is another one with each release. */
const VERSION = /^v?\d[\w.+-]{0,40}$/;

/**
 * What the answer to a handshake (`initialize`, `server/discover`) says of the server: its instructions, `null` if there
 * are none; its name and the like, if the answer has them, without an ordinary version.
 */
export function aboutIn(result: Fields): About {
  const info = objectAt(result, 'serverInfo');
  return { instructions: result.instructions ?? null, ...(info === undefined ? {} : { serverInfo: withoutVersion(info) }) };
}

/** The answer with other words about the server. @param name for a server that may not say its own. */
export function withAbout(result: Fields, about: About, name: string): Fields {
  const info = objectAt(result, 'serverInfo');
  const version = isOrdinary(info?.version) ? info?.version : '0';
  return {
    ...result,
    // What is undefined is no member of JSON.
    instructions: about.instructions ?? undefined,
    serverInfo: info === undefined ? undefined : { version, ...(objectAt(about, 'serverInfo') ?? { name }) },
  };
}

function withoutVersion(info: Fields): Fields {
  const { version, ...rest } = info;
  return isOrdinary(version) ? rest : info;
}

function isOrdinary(version: unknown): boolean {
  return typeof version === 'string' && VERSION.test(version);
}
