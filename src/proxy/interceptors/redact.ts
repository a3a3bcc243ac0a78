import { inTurns } from '../../shared/steps';
import type { Interceptor } from '../call';
import type { Redactor } from './redactor';

/** Messages above this length are searched in turns with everything else, in UTF-16 units. Reading escapes takes longer than reading JSON. */
const LONG = 65_536;

/** Gives what finds the values of other servers, too. @param redactor finds what this one was given. */
export type Widen = (server: string, redactor: Redactor) => Redactor;

/** Takes the values that were injected, whichever server they were for, out of everything that goes to the agent. */
export function redact(widen: Widen): Interceptor {
  return {
    outgoing: (text, { server, redactor, call }) => {
      const all = widen(server.name, redactor);
      return text.length <= LONG || all.isEmpty ? all.json(text, call?.id) : inTurns(all.jsonInSteps(text, call?.id));
    },
  };
}
