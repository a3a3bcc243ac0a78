import { visible } from '../shared/visible';
import type { Explanation, Sent } from './explain';

/** An explanation in lines for people, with everything invisible made visible. */
export function explanationText(explanation: Explanation): string[] {
  const { server, agent, tool, rule, consent, refusals, notes, limits, sends } = explanation;
  return [
    `Server: ${server}`,
    `Agent: ${visible(agent)}`,
    `Call: ${tool === undefined ? 'tools/list' : `tools/call ${visible(tool)}`}`,
    ...(rule === undefined ? [] : [`Policy: ${rule}`]),
    ...(consent === undefined ? [] : [`Consent: ${consent === 'allowed' ? 'given for good' : 'you are asked, unless you have allowed it for the session'}`]),
    ...limits.map((limit) => `Limit: ${limit}`),
    '',
    ...(refusals.length === 0 ? [consent === 'asked' ? 'It would be sent if you allow it.' : 'It would be sent.'] : ['It would be refused:', ...refusals.map((reason) => `- ${visible(reason)}`)]),
    ...notes.map((note) => `Note: ${visible(note)}`),
    '',
    ...(sends === undefined ? ['What the server would receive cannot be said.'] : ['What the server would receive:', ...sentText(sends)]),
  ]; // prettier-ignore
}

function sentText(sent: Sent): string[] {
  if (sent.to === 'stdio')
    return [
      visible(sent.command),
      `In: ${visible(sent.cwd)}`,
      ...Object.entries(sent.env).map(([name, value]) => `${visible(name)}=${visible(value)}`),
      `And, if they are set: ${sent.inherited.join(' ')}`,
      ...json(sent.message),
    ];
  return [
    `${sent.method} ${visible(sent.url)}`,
    ...Object.entries(sent.headers).map(([name, value]) => `${visible(name)}: ${visible(value)}`),
    ...(sent.body === undefined ? ['(The proxy answers this itself.)'] : json(sent.body)),
  ];
}

function json(value: unknown): string[] {
  return JSON.stringify(value, undefined, 2).split('\n').map(visible);
}
