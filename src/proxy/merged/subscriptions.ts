import { objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import type { Branch } from './branch';
import { shownUri } from './catalog';
import type { Place } from './catalog';
import type { Directory } from './directory';

/** Subscriptions of one session at most; further ones work until their server is restarted. */
const MAX_SUBSCRIPTIONS = 10_000;

/** The resources that an agent has subscribed to, by the URIs that it knows. */
export class Subscriptions {
  readonly #places = new Map<string, Place>();

  add(shown: string, place: Place): void {
    if (this.#places.size < MAX_SUBSCRIPTIONS) this.#places.set(shown, place);
  }

  delete(shown: string): void {
    this.#places.delete(shown);
  }

  /** Where a subscribed resource is. */
  get(shown: string): Place | undefined {
    return this.#places.get(shown);
  }

  /** What a server has to be told when it joins. */
  settings(branch: Branch): { readonly method: string; readonly params: unknown }[] {
    return [...this.#places.values()]
      .filter(({ server }) => server === branch.server)
      .map(({ own }) => ({ method: 'resources/subscribe', params: { uri: own } }));
  }

  /** The news of a resource with the URI that the agent knows; any other message as it is. */
  outgoing(server: string, message: Message, directory: Directory): Message {
    const uri = message.method === 'notifications/resources/updated' ? stringAt(message.params, 'uri') : undefined;
    if (uri === undefined) return message;
    const subscribed = [...this.#places].find(([, place]) => place.server === server && place.own === uri)?.[0];
    const shown = subscribed ?? shownUri(server, uri, directory.merged('resources').owners);
    return shown === uri ? message : { ...message, params: { ...objectAt(message, 'params'), uri: shown } };
  }
}
