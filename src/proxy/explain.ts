import type { Approvals } from '../bindings/approvals';
import type { CallGrants } from '../bindings/callGrants';
import { describeDeciding } from '../bindings/describePolicy';
import { judge } from '../bindings/judge';
import { describeLimits } from '../bindings/limits';
import type { NewTools } from '../bindings/pinRules';
import type { Pins } from '../bindings/pins';
import { commandLine } from '../bindings/plan';
import type { FunctionServer, HttpServer, Server, StdioServer } from '../bindings/server';
import type { Clock } from '../shared/clock';
import { isSecretsError, messageOf, SecretsError } from '../shared/errors';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { OpenedSecret, SecretInfo, SecretReader } from '../vault/secret';
import { Expiry } from './expiry';
import type { ExpiredPolicy } from './expiry';
import { addSecrets, Injector } from './injector';
import type { Injection } from './injector';
import { INHERITED_VARIABLES } from './upstream/environment';

/** A call that nobody makes. Without a tool: the list of tools. */
export interface ImaginedCall {
  readonly server: Server;
  readonly agent: string;
  readonly tool?: string | undefined;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
}

/** What an explanation is made from. Nothing of it is changed, opened or contacted. */
export interface ExplainOptions {
  readonly vault: Pick<SecretReader, 'infoOf' | 'sealOf'> & { refuseUnlessOpen(): void };
  readonly approvals: Approvals;
  readonly pins: Pins;
  readonly grants: CallGrants;
  readonly mayUse: (agent: string, server: string) => boolean;
  readonly newTools: () => NewTools;
  readonly expiredSecrets: () => ExpiredPolicy;
  /** Whether a person would be asked where a policy says so. */
  readonly asks: boolean;
  readonly clock: Clock;
}

/** What a server would receive: secrets as `[secret:NAME]`. What the agent's own request adds is left out. */
export type Sent =
  | { readonly to: 'http'; readonly method: 'POST'; readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: unknown }
  | { readonly to: 'stdio'; readonly command: string; readonly cwd: string; readonly env: Readonly<Record<string, string>>; readonly inherited: readonly string[]; readonly message: unknown }; // prettier-ignore

/** What would happen to a call, and why. */
export interface Explanation {
  readonly server: string;
  readonly agent: string;
  readonly tool?: string;
  /** The rule of the policy that decides, in words, if there is one. */
  readonly rule?: string;
  /** Whether a person would be asked, or has allowed it for good. */
  readonly consent?: 'asked' | 'allowed';
  /** Why it would be refused, the first reason first. */
  readonly refusals: readonly string[];
  /** What a person should know besides. */
  readonly notes: readonly string[];
  readonly limits: readonly string[];
  /** `undefined`, if it cannot be said: a secret is missing. */
  readonly sends?: Sent;
}

/** Says what would happen to a call. */
export async function explain(call: ImaginedCall, options: ExplainOptions): Promise<Explanation> {
  const { server, agent, tool } = call;
  const refusals: string[] = [];
  const notes: string[] = [];
  const unless = (check: () => void): void => {
    try {
      check();
    } catch (error) {
      refusals.push(messageOf(error));
    }
  };
  unless(() => {
    options.vault.refuseUnlessOpen();
  });
  if (!options.mayUse(agent, server.name)) refusals.push(new SecretsError('serverNotForAgent', { agent, server: server.name }).message);
  if (!options.approvals.isApproved(server)) refusals.push(new SecretsError('serverUnapproved', { server: server.name }).message);
  let decided: Pick<Explanation, 'rule' | 'consent'> = {};
  if (tool !== undefined) {
    unless(() => {
      options.pins.refuseUnlessAccepted(server, tool, options.newTools);
    });
    unless(() => {
      decided = policyOf(call, tool, options, refusals);
    });
    notes.push('Here nothing is opened: whether the arguments hold a secret is seen when the call is made.');
  }
  const injection = await injectionFor(call, options, notes).catch((error: unknown) => {
    refusals.push(messageOf(error));
    return undefined;
  });
  return {
    server: server.name,
    agent,
    ...(tool === undefined ? {} : { tool }),
    ...decided,
    refusals,
    notes,
    limits: describeLimits(server.limits ?? {}),
    ...(injection === undefined ? {} : { sends: sent(call, injection) }),
  };
}

function policyOf(
  { server, agent, arguments: args }: ImaginedCall,
  tool: string,
  { pins, grants, asks }: ExplainOptions,
  refusals: string[],
): Pick<Explanation, 'rule' | 'consent'> {
  const { policy } = server;
  if (policy === undefined) return {};
  try {
    const { action, rule } = judge(policy, { agent, server, tool, arguments: args }, pins);
    const words = { rule: describeDeciding(policy, rule) };
    if (action === 'allow') return words;
    const granted = grants.isGranted({ server, tool, agent, rule });
    if (!granted && !asks) refusals.push(new SecretsError('callUnapproved', { server: server.name, tool, agent }).message);
    return { ...words, consent: granted ? 'allowed' : 'asked' };
  } catch (error) {
    if (!isSecretsError(error, 'policyDenied') && !isSecretsError(error, 'policyArguments')) throw error;
    refusals.push(error.message);
    return { rule: describeDeciding(policy, error.details.rule) };
  }
}

/** The way of every call, with stand-ins for the values. */
function injectionFor(
  { server, tool }: ImaginedCall,
  { vault, clock, expiredSecrets }: ExplainOptions,
  notes: string[],
): Promise<Injection> {
  const standIns: SecretReader = {
    infoOf: (name, scope) => vault.infoOf(name, scope),
    sealOf: (name, scope) => vault.sealOf(name, scope),
    openAtHand: () => undefined,
    open: (names, scope = DEFAULT_SCOPE) => {
      const infos = names.map((name) => vault.infoOf(name, scope));
      const missing = names.filter((_, index) => infos[index] === undefined);
      if (missing.length > 0) throw new SecretsError('secretMissing', { names: missing });
      return Promise.resolve(infos.filter((info) => info !== undefined).map(standIn));
    },
  };
  const logger = { info: () => undefined, warn: (text: string) => void notes.push(text), error: () => undefined };
  const injector = new Injector(standIns, new Expiry({ clock, logger, expiredSecrets }));
  return injector.inject(server, undefined, tool === undefined ? undefined : [tool]);
}

function standIn({ name, version, expiresAt }: SecretInfo): OpenedSecret {
  const value = Buffer.from(`[secret:${name}]`);
  return { name, version, seal: '', value, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function sent({ server, tool, arguments: args = {} }: ImaginedCall, injection: Injection): Sent {
  const request =
    tool === undefined
      ? ({ jsonrpc: '2.0', id: 1, method: 'tools/list' } as const)
      : ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } } as const);
  const message = Object.keys(injection.body).length === 0 ? request : addSecrets(request, injection.body);
  if (server.type === 'stdio') return toChild(server, injection, message);
  if (server.type === 'http') return toHttp(server, injection, message);
  const secrets = Object.keys(injection.body).length === 0 ? {} : { secrets: injection.body };
  return toHttp(server, injection, tool === undefined ? undefined : { ...args, ...secrets });
}

function toHttp({ url, headers }: HttpServer | FunctionServer, injection: Injection, body: unknown): Sent {
  const all = new Map<string, string>();
  // Of those with the same name the last one is sent.
  for (const [name, value] of Object.entries({ 'content-type': 'application/json', ...headers, ...injection.headers })) {
    for (const other of all.keys()) if (other.toLowerCase() === name.toLowerCase()) all.delete(other);
    all.set(name, value);
  }
  return { to: 'http', method: 'POST', url, headers: Object.fromEntries(all), body };
}

function toChild({ command, args, cwd, env }: StdioServer, injection: Injection, message: unknown): Sent {
  const inherited = INHERITED_VARIABLES.filter((name) => !Object.hasOwn(env, name) && !Object.hasOwn(injection.env, name));
  const own = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null);
  return {
    to: 'stdio',
    command: commandLine([command, ...args]),
    cwd,
    env: { ...Object.fromEntries(own), ...injection.env },
    inherited,
    message,
  };
}
