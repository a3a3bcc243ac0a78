import type { Interceptor } from '../call';

/** Takes the values that were injected out of everything that goes to the agent. */
export const redact: Interceptor = {
  outgoing: (text, { redactor }) => redactor.json(text),
};
