import { visible } from '../../shared/visible';
import { META } from '../bridge/era';
import type { Interceptor } from '../call';
import type { Agents } from '../front/agents';
import { objectAt, stringAt } from '../jsonRpc';

const MAX_CHARACTERS = 64;

/** Takes note of what agents say of themselves in the handshake (since MCP 2026-07-28: when they ask the server what it is), for people to see beside their names. */
export function clientClaims(agents: Pick<Agents, 'claimed'>): Interceptor {
  return {
    incoming: ({ method, params }, agent, _server, _session, call) => {
      const isHello = method === 'initialize';
      if (!isHello && method !== 'server/discover') return;
      // The outbound guard has found something in it, or could not look, and let it pass: it is not to be kept.
      if (call?.mayBeNamed !== undefined) return;
      const info = isHello ? objectAt(params, 'clientInfo') : objectAt(objectAt(params, '_meta'), META.client);
      const text = [stringAt(info, 'title') ?? stringAt(info, 'name'), stringAt(info, 'version')].filter((part) => part !== undefined);
      if (text.length > 0) agents.claimed(agent, visible(text.join(' ').slice(0, MAX_CHARACTERS)));
    },
  };
}
