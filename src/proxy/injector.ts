import { render } from '../bindings/sendable';
import { matchesAnyGlob } from '../shared/glob';
import type { Binding, Mode, Server } from '../bindings/server';
import { isSecretsError, SecretsError } from '../shared/errors';
import { dictionary } from '../shared/dictionary';
import { DEFAULT_SCOPE } from '../vault/secret';
import type { OpenedSecret, SecretReader } from '../vault/secret';
import type { Expiry } from './expiry';
import { systemClock } from '../shared/clock';
import { GivenValues } from './givenValues';
import type { Redactor } from './interceptors/redactor';
import { isRequest, objectAt } from './jsonRpc';
import type { Message } from './jsonRpc';

/** What one upstream request gets, opened. Dropped when that request is over. */
export interface Injection {
  /** By header name; UTF-8 bytes as latin1 characters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
  /** Which version of which secret is in it, by name. */
  readonly versions: Readonly<Record<string, number>>;
  /** Which sealed value that is, by name: version numbers begin anew when a secret is deleted. */
  readonly seals: ReadonlyMap<string, string>;
  /** Finds the opened values in what comes back, and those that the server was given lately. */
  readonly redactor: Redactor;
}

/** Opens for a server exactly the secrets that are bound to it, and only those of its scope. */
export class Injector {
  readonly #secrets: SecretReader;
  readonly #expiry: Expiry;
  readonly #given: GivenValues;

  constructor(secrets: SecretReader, expiry: Expiry, given: GivenValues = new GivenValues(systemClock)) {
    this.#secrets = secrets;
    this.#expiry = expiry;
    this.#given = given;
  }

  /**
   * Opens the bound secrets and puts each where its binding says. The Buffers are overwritten before this returns; the
   * strings made of them (Node takes headers, variables and JSON as strings) live until the request is over and nothing
   * refers to them; those that replies are searched for live longer (see `GivenValues`).
   * @param modes only the bindings of these modes; default: all.
   * @param tools the tools that the request calls. A binding that is for certain tools is left out unless all of them are among those.
   * @throws SecretsError `secretMissing` (names the server), `secretExpired`, `secretUnsendable`, and as `SecretReader.open`.
   */
  async inject(server: Server, modes?: readonly Mode[], tools?: readonly string[]): Promise<Injection> {
    const bindings = bindingsFor(server, modes, tools);
    try {
      return this.#use(server, bindings, await this.#secrets.open(namesOf(bindings), server.scope));
    } catch (error) {
      throw inWords(server, error);
    }
  }

  /** As `inject`, if that takes no waiting; else `undefined`. */
  injectAtHand(server: Server, modes?: readonly Mode[], tools?: readonly string[]): Injection | undefined {
    const bindings = bindingsFor(server, modes, tools);
    try {
      const opened = this.#secrets.openAtHand(namesOf(bindings), server.scope);
      return opened === undefined ? undefined : this.#use(server, bindings, opened);
    } catch (error) {
      throw inWords(server, error);
    }
  }

  /** Whether a server still has the current values of its secrets, or had 5 ms ago. @param seals of what it was given. */
  isCurrent({ name, scope }: Server, seals: Injection['seals']): boolean {
    this.#given.keep(name, seals.values());
    for (const [secret, seal] of seals) if (this.#secrets.sealOf(secret, scope, true) !== seal) return false;
    return true;
  }

  /** Makes ready what is needed to search what a server says: while it works, not when its answer is there. */
  prepareFor(server: string, redactor: Redactor): void {
    this.#given.widened(server, redactor).prepare();
  }

  /** The rule for expired secrets, for values that a server was given earlier. @throws SecretsError `secretExpired`. */
  checkExpiry(server: Server, names: Iterable<string>): void {
    for (const name of names) {
      const info = this.#secrets.infoOf(name, server.scope, true);
      if (info !== undefined) this.#expiry.check(server, [info]);
    }
  }

  /** The opened values are overwritten before this returns. */
  #use(server: Server, bindings: readonly Binding[], opened: readonly OpenedSecret[]): Injection {
    try {
      this.#expiry.check(server, opened);
      return place(server, bindings, opened, this.#given.give(server.name, opened));
    } finally {
      for (const { value } of opened) value.fill(0);
    }
  }
}

/** A missing secret is told with the server that needs it. */
function inWords({ name, scope }: Server, error: unknown): unknown {
  if (!isSecretsError(error, 'secretMissing')) return error;
  return new SecretsError('secretMissing', {
    names: error.details.names,
    server: name,
    ...(scope === DEFAULT_SCOPE ? {} : { scope }),
  });
}

function bindingsFor({ bindings }: Server, modes: readonly Mode[] | undefined, tools: readonly string[] | undefined): readonly Binding[] {
  return bindings.filter((binding) => (modes?.includes(binding.mode) ?? true) && isFor(binding, tools));
}

function namesOf(bindings: readonly Binding[]): string[] {
  return bindings.map(({ secret }) => secret);
}

/** Whether a request that calls these tools (`undefined`: does something else) gets a binding. */
function isFor({ tools: narrowed }: Binding, tools: readonly string[] | undefined): boolean {
  if (narrowed === undefined) return true;
  return tools !== undefined && tools.length > 0 && tools.every((tool) => matchesAnyGlob(narrowed, tool));
}

function place(server: Server, bindings: readonly Binding[], opened: readonly OpenedSecret[], redactor: Redactor): Injection {
  const headers = dictionary<string>();
  const env = dictionary<string>();
  const body = dictionary<string>();
  const versions: Record<string, number> = {};
  const seals = new Map<string, string>();
  for (const [index, binding] of bindings.entries()) {
    const secret = opened[index];
    if (secret === undefined) continue;
    const text = render(binding, secret.value, server.name);
    versions[secret.name] = secret.version;
    seals.set(secret.name, secret.seal);
    if (binding.mode === 'env') env[binding.name] = text;
    else if (binding.mode === 'body') body[binding.name] = text;
    else headers[binding.name] = text;
  }
  return { headers, env, body, versions, seals, redactor };
}

/** A message with secrets in `params._meta["mcp-secrets/secrets"]`, if it is a tool call; else the same message. */
export function addSecrets(message: Message, secrets: Readonly<Record<string, string>>): Message {
  if (!isRequest(message) || message.method !== 'tools/call') return message;
  const params = objectAt(message, 'params') ?? {};
  return { ...message, params: { ...params, _meta: { ...objectAt(params, '_meta'), 'mcp-secrets/secrets': secrets } } };
}
