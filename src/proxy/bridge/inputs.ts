import { randomUUID } from 'node:crypto';
import { SecretsError } from '../../shared/errors';
import type { Reply } from '../front/reply';
import { objectAt, stringAt } from '../jsonRpc';
import type { Message, Request, RequestId } from '../jsonRpc';

type Fields = Readonly<Record<string, unknown>>;

/** What the server asks for at most at a time. */
const MAX_INPUTS = 32;

/** The requests that a server may embed in a result (2026-07-28, multi round-trip requests), by the capability of who answers them. */
const CAPABILITY: ReadonlyMap<string, string> = new Map([
  ['elicitation/create', 'elicitation'],
  ['sampling/createMessage', 'sampling'],
  ['roots/list', 'roots'],
]);

/** Takes what a modern server needs to know to a legacy agent: as requests of the server on the stream of the call. */
export class Inputs {
  readonly #server: string;
  readonly #capabilities: Fields;
  /** The requests that wait, with the stream that each went out on. */
  readonly #open = new Map<RequestId, { readonly reply: Reply; readonly settle: (answer: Message | SecretsError) => void }>();

  constructor(server: string, capabilities: Fields) {
    this.#server = server;
    this.#capabilities = capabilities;
  }

  /** An answer of the agent. */
  answered(message: Message): void {
    if (message.id !== undefined) this.#open.get(message.id)?.settle(message);
  }

  /** Asks the agent for everything that a result requires. @returns the answers under the keys of the requests. @throws SecretsError `notBridged`. */
  async collect(required: unknown, reply: Reply): Promise<Fields> {
    const requests = Object.entries(objectAt(required, 'inputRequests') ?? {});
    if (requests.length > MAX_INPUTS) throw this.#error('it asks for more than can be answered at once');
    const ready = requests.map(([key, request]) => [key, this.#request(request)] as const);
    const answers = await Promise.all(ready.map(async ([key, request]) => [key, await this.#ask(request, reply)] as const));
    return Object.fromEntries(answers);
  }

  /** The agent does not wait for this stream any more. */
  abandon(reply: Reply): void {
    for (const open of [...this.#open.values()])
      if (open.reply === reply) open.settle(this.#error('the agent did not wait for the answer'));
  }

  /** Ends every wait. */
  close(why: SecretsError): void {
    for (const { settle } of [...this.#open.values()]) settle(why);
  }

  #request(embedded: unknown): Request {
    const method = stringAt(embedded, 'method') ?? '';
    const capability = CAPABILITY.get(method);
    if (capability === undefined) throw this.#error('it asks for something that no agent of an earlier revision knows');
    const declared = objectAt(this.#capabilities, capability);
    const params = objectAt(embedded, 'params') ?? {};
    const byUrl = params.mode === 'url';
    if (declared === undefined || (byUrl && objectAt(declared, 'url') === undefined))
      throw this.#error(`it asks for ${byUrl ? 'elicitation by URL' : capability}, which this agent has not said that it can`);
    // Agents of 2025-11-25 want a name for what is asked behind a URL; since then there is none.
    const named = byUrl && params.elicitationId === undefined ? { ...params, elicitationId: randomUUID() } : params;
    return { jsonrpc: '2.0', id: `mcp-secrets/${randomUUID()}`, method, params: named };
  }

  async #ask(request: Request, reply: Reply): Promise<unknown> {
    const answer = await new Promise<Message>((resolve, reject) => {
      const settle = (given: Message | SecretsError): void => {
        this.#open.delete(request.id);
        if (given instanceof SecretsError) reject(given);
        else resolve(given);
      };
      this.#open.set(request.id, { reply, settle });
      if (reply.ended) this.abandon(reply);
      else reply.event(JSON.stringify(request));
    });
    if (answer.error !== undefined) throw this.#error(`the agent has refused ${request.method}`);
    return answer.result;
  }

  #error(what: string): SecretsError {
    return new SecretsError('notBridged', { server: this.#server, what });
  }
}
