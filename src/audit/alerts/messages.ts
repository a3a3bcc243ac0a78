import { visible } from '../../shared/visible';

/** Every alert in words, in the one place where this is done. Names come from files and agents: shown as they are, nothing hidden. */
export const messages = {
  tokensRefused: (count: number): string =>
    `${String(count)} requests without a valid token were refused within a minute. A program on this machine tries to use your servers: look for it in the audit trail, and revoke tokens that may have leaked.`,
  newAgent: (agent: string, server: string | undefined): string =>
    `The agent "${visible(agent)}" made its first call${server === undefined ? '' : `, to server "${visible(server)}"`}. If you do not know it, revoke its access.`,
  secretExpired: (secret: string, server: string): string =>
    `The secret ${visible(secret)} has expired and was asked for by a call to server "${visible(server)}". Replace it with a new value, or change its expiry date.`,
  callDenied: (agent: string | undefined, server: string | undefined, kind: string | undefined): string =>
    `A call${agent === undefined ? '' : ` by the agent "${visible(agent)}"`}${server === undefined ? '' : ` to server "${visible(server)}"`} was refused${kind === undefined ? '' : ` (${visible(kind)})`}. See the audit trail for what it was.`,
  toolsChanged: (server: string | undefined, kind: string | undefined, names: readonly string[], count: number): string => {
    const which =
      names.map((name) => `"${visible(name)}"`).join(', ') + (count > names.length ? ` and ${String(count - names.length)} more` : '');
    const whose = `Server "${visible(server ?? '')}"`;
    if (kind === 'toolChanged')
      return `${whose} has changed what it says of ${which} since that was accepted. This is blocked until you have seen the difference.`;
    if (kind === 'toolFlagged')
      return `${whose} offers tools with suspicious texts: ${which}. They are blocked until you have looked at them.`;
    if (kind === 'toolNew') return `${whose} offers tools that it did not have before: ${which}. They are blocked until you accept them.`;
    return `${whose} offers a prompt or resource with a suspicious text: ${which}. It was passed on. The log says what is suspicious; use the server only if you trust it.`;
  },
  secretUnused: (secret: string, scope: string | undefined, days: number): string =>
    `The secret ${visible(secret)}${scope === undefined ? '' : ` in the scope "${visible(scope)}"`} was not used for ${String(days)} days. If nobody needs it, delete it here and revoke it where it came from.`,
} as const;
