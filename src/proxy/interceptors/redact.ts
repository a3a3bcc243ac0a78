import { inTurns } from '../../shared/steps';
import type { Interceptor } from '../call';
import { LARGE } from '../largeMessage';

/** Takes the values that were injected out of everything that goes to the agent. */
export const redact: Interceptor = {
  outgoing: (text, { redactor }) => (text.length <= LARGE || redactor.isEmpty ? redactor.json(text) : inTurns(redactor.jsonInSteps(text))),
};
