import { inTurns } from '../../shared/steps';
import type { Interceptor } from '../call';
import { LARGE } from '../largeMessage';
import type { Redactor } from './redactor';

/** Gives what finds the values of other servers, too. @param redactor finds what this one was given. */
export type Widen = (server: string, redactor: Redactor) => Redactor;

/** Takes the values that were injected, whichever server they were for, out of everything that goes to the agent. */
export function redact(widen: Widen): Interceptor {
  return {
    outgoing: (text, { server, redactor, call }) => {
      const all = widen(server.name, redactor);
      return text.length <= LARGE || all.isEmpty ? all.json(text, call?.id) : inTurns(all.jsonInSteps(text, call?.id));
    },
  };
}
