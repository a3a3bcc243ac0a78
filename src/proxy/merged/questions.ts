import { cancelledBy, isRequest, objectAt } from '../jsonRpc';
import type { Message, RequestId } from '../jsonRpc';

/** Questions that wait for an answer at most; the oldest are given up. */
const MAX_OPEN = 1_024;

interface Question<T> {
  readonly from: T;
  readonly id: RequestId;
  readonly progressToken: unknown;
}

/**
 * What servers ask the agent (sampling, elicitation, roots, …). Each server counts its requests for itself, so they get ids,
 * and progress tokens, of ours.
 */
export class Questions<T> {
  readonly #open = new Map<RequestId, Question<T>>();
  #last = 0;

  /**
   * A server's request or notification as the agent may get it: its ids replaced; the same message if it has none; `undefined` if it takes
   * back what this server has not asked: that id could be the one of another server's question.
   */
  outgoing(from: T, message: Message): Message | undefined {
    if (isRequest(message)) return this.#ask(from, message);
    if (message.method !== 'notifications/cancelled') return message;
    const cancelled = cancelledBy(message);
    for (const [id, question] of this.#open) {
      if (question.from !== from || question.id !== cancelled) continue;
      this.#open.delete(id);
      return { ...message, params: { ...objectAt(message, 'params'), requestId: id } };
    }
    return undefined;
  }

  /** The agent's answer as its server may get it; `undefined` if nobody waits for it. */
  answered(answer: Message & { readonly id: RequestId }): { readonly from: T; readonly message: Message } | undefined {
    const question = this.#open.get(answer.id);
    if (question === undefined) return undefined;
    this.#open.delete(answer.id);
    return { from: question.from, message: { ...answer, id: question.id } };
  }

  /** The agent's progress on a question as its server may get it; `undefined` if it is no progress on any. */
  progressed(message: Message): { readonly from: T; readonly message: Message } | undefined {
    const params = objectAt(message, 'params');
    const token = params?.progressToken;
    const question = typeof token === 'number' || typeof token === 'string' ? this.#open.get(token) : undefined;
    if (message.method !== 'notifications/progress' || question?.progressToken === undefined) return undefined;
    return { from: question.from, message: { ...message, params: { ...params, progressToken: question.progressToken } } };
  }

  /** Gives up what a server asked. Returns the ids that the agent knows. */
  forget(from: T): RequestId[] {
    const ids = [...this.#open].filter(([, question]) => question.from === from).map(([id]) => id);
    for (const id of ids) this.#open.delete(id);
    return ids;
  }

  #ask(from: T, message: Message & { readonly id: RequestId }): Message {
    const id = (this.#last += 1);
    const params = objectAt(message, 'params');
    const meta = objectAt(params, '_meta');
    this.#open.set(id, { from, id: message.id, progressToken: meta?.progressToken });
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    return meta?.progressToken === undefined
      ? { ...message, id }
      : { ...message, id, params: { ...params, _meta: { ...meta, progressToken: id } } };
  }
}
