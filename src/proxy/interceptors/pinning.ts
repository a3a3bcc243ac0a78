import type { NewTools } from '../../bindings/pinRules';
import type { Pins } from '../../bindings/pins';
import type { Server } from '../../bindings/server';
import { SecretsError } from '../../shared/errors';
import { misspelledIn } from '../ambiguity';
import type { Call, Interceptor } from '../call';
import { errorAnswer, objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { aboutIn, isAbout, withAbout } from './about';
import { Answers, twoWays } from './answers';

type Result = Readonly<Record<string, unknown>>;
/** The result to give instead; `undefined` for the one that there is. */
type Edited = Result | undefined;

/** Refuses calls of tools that are not as they were accepted. */
export function pinnedCalls(pins: Pins, newTools: () => NewTools): Interceptor {
  return {
    before: ({ method }, server, { params }) => {
      // A name that is no string can still mean a tool to a server that is not strict.
      if (method === 'tools/call') pins.refuseUnlessAccepted(server, stringAt(params, 'name') ?? '', newTools);
    },
  };
}

/**
 * Takes tools that are not as they were accepted out of lists, and gives agents the accepted instructions. An answer in which
 * nothing has to change stays the text that it is. Comes after redaction: what is kept must not hold a secret's value.
 */
export function pinnedLists(pins: Pins, newTools: () => NewTools): Interceptor {
  return {
    outgoing: (text, { server, message, call }) => {
      if (message !== undefined && !mayList(message, call)) return text;
      // As it is after redaction; and a batch is not parsed yet.
      const answers = Answers.in(text);
      if (answers === undefined) return text;
      // An error here must become the answer: the call waits for one. What asks something has an id of the server's.
      const fail = (error: unknown): string =>
        answers.replaced(({ id, method }) => errorAnswer(method === undefined ? (id ?? null) : null, error));
      const finish = (results: readonly Edited[]): string => answers.withResults(results);
      try {
        if (answers.isAmbiguous) throw twoWays(server);
        const edits = answers.list.map((answer) => editFor(answer, call)?.(pins, server, objectAt(answer, 'result') ?? {}, newTools));
        return isSettled(edits)
          ? finish(edits)
          : Promise.all(edits.map((edit) => Promise.resolve(edit)))
              .then(finish)
              .catch(fail);
      } catch (error) {
        return fail(error);
      }
    },
  };
}

function isSettled(edits: readonly (Edited | Promise<Edited>)[]): edits is readonly Edited[] {
  return !edits.some((edit) => edit instanceof Promise);
}

type Edit = (pins: Pins, server: Server, result: Result, newTools: () => NewTools) => Edited | Promise<Edited>;

/**
 * Whether some reader could find a list or a handshake in a message. Nearly everything else ends here, so no text is looked at:
 * a result that others see and we do not is under a key that is there twice or in another spelling, and both leave a trace.
 */
function mayList(message: Message, call: Call | undefined): boolean {
  if (call !== undefined && LISTING.has(call.method)) return true;
  return (call === undefined && ('result' in message || 'error' in message)) || misspelledIn(message) !== undefined;
}

/** Requests whose answers are edited. */
const LISTING: ReadonlySet<string> = new Set(['tools/list', 'initialize', 'server/discover']);

/** On a stream that was taken up again, and in a batch, nobody knows what an answer answers: there its shape decides. */
function editFor(answer: unknown, call: Call | undefined): Edit | undefined {
  const result = objectAt(answer, 'result');
  if (result === undefined) return undefined;
  switch (call?.method) {
    case 'tools/list':
      return editTools;
    case 'initialize':
    case 'server/discover':
      return editAbout;
    case undefined:
      if (!('tools' in result)) return isAbout(result) ? editAbout : undefined;
      return isAbout(result) ? editBoth : editTools;
    default:
      return undefined;
  }
}

function editTools(pins: Pins, server: Server, result: Result, newTools: () => NewTools): Edited | Promise<Edited> {
  const { tools, nextCursor } = result;
  if (tools === undefined) return undefined;
  if (!Array.isArray(tools)) throw nonsense(server, 'a list of tools that is none');
  const listed: readonly unknown[] = tools;
  const keep = (shown: readonly boolean[]): Edited =>
    shown.every(Boolean) ? undefined : { ...result, tools: listed.filter((_, index) => shown[index]) };
  const shown = pins.seeTools(server, listed, typeof nextCursor !== 'string', newTools);
  return shown instanceof Promise ? shown.then(keep) : keep(shown);
}

function editAbout(pins: Pins, server: Server, result: Result): Edited | Promise<Edited> {
  const { about, agrees } = aboutIn(result);
  const tell = (told: typeof about): Edited => (told === about && agrees ? undefined : withAbout(result, told, server.name));
  const told = pins.seeAbout(server, about);
  return told instanceof Promise ? told.then(tell) : tell(told);
}

async function editBoth(pins: Pins, server: Server, result: Result, newTools: () => NewTools): Promise<Edited> {
  const tools = await editTools(pins, server, result, newTools);
  return (await editAbout(pins, server, tools ?? result)) ?? tools;
}

function nonsense(server: Server, what: string): SecretsError {
  return new SecretsError('upstreamNonsense', { server: server.name, what });
}
