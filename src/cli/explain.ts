import { OWN_AGENTS } from '../proxy/front/agents';
import { explain } from '../proxy/explain';
import { explanationText } from '../proxy/explanationText';
import { systemClock } from '../shared/clock';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import { argumentsOf } from './call';
import type { Headless } from './headless';
import { oneMore } from './policyCommands';
import { callOptions } from './serve';

/** `explain`: what a server would receive with a call, and why a call would be refused. Opens and contacts nothing. */
export async function explainCall(input: Arguments, name: string, more: readonly string[], headless: Headless): Promise<string> {
  allowOptions(input, ['args', 'agent', 'json', 'expired', 'new-tools']);
  const { vaults, approvals, pins, grants, agents, servers } = headless;
  const { newTools = () => 'ask', expiredSecrets = () => 'warn' } = callOptions(input);
  const explanation = await explain(
    {
      server: servers.get(name),
      agent: input.options.agent ?? OWN_AGENTS.commandLine,
      tool: oneMore(more),
      arguments: argumentsOf(input.options.args),
    },
    {
      vault: vaults,
      approvals,
      pins,
      grants,
      mayUse: (agent, server) => agents.mayUse(agent, server),
      newTools,
      expiredSecrets,
      asks: false,
      clock: systemClock,
    },
  );
  if (input.options.json === true) return `${JSON.stringify(explanation)}\n`;
  return `${explanationText(explanation).join('\n')}\n`;
}
