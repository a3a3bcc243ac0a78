import { render } from '../bindings/sendable';
import type { Binding, Mode, Server } from '../bindings/server';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { Vault } from '../vault/vault';
import { Redactor } from './interceptors/redactor';
import { isRequest, objectAt } from './jsonRpc';
import type { Message } from './jsonRpc';

/** What one upstream request gets, opened. Dropped when that request is over. */
export interface Injection {
  /** By header name; UTF-8 bytes as latin1 characters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
  /** Which value of which secret is in it: its seal, by name. */
  readonly versions: ReadonlyMap<string, string>;
  /** Finds the opened values in what comes back. */
  readonly redactor: Redactor;
}

/**
 * Opens exactly the secrets that are bound to a server and puts each where its binding says. The Buffers are
 * overwritten before this returns; the strings made of them (Node takes headers, variables and JSON as strings)
 * live until the request is over and nothing refers to them.
 * @param modes only the bindings of these modes; default: all.
 * @throws SecretsError `secretMissing` (names the server), `secretUnsendable`, and as `Vault.open`.
 */
export async function inject(vault: Vault, server: Server, modes?: readonly Mode[]): Promise<Injection> {
  const bindings = modes === undefined ? server.bindings : server.bindings.filter((binding) => modes.includes(binding.mode));
  const opened = await openBound(vault, server, bindings);
  const headers: Record<string, string> = {};
  const env: Record<string, string> = {};
  const body: Record<string, string> = {};
  const versions = new Map<string, string>();
  try {
    const redactor = new Redactor(opened);
    for (const [index, binding] of bindings.entries()) {
      const secret = opened[index];
      if (secret === undefined) continue;
      const text = render(binding, secret.value, server.name);
      versions.set(secret.name, secret.seal);
      if (binding.mode === 'env') env[binding.name] = text;
      else if (binding.mode === 'body') body[binding.name] = text;
      else headers[binding.name] = text;
    }
    return { headers, env, body, versions, redactor };
  } finally {
    for (const { value } of opened) value.fill(0);
  }
}

async function openBound(vault: Vault, server: Server, bindings: readonly Binding[]): ReturnType<Vault['open']> {
  try {
    return await vault.open(bindings.map((binding) => binding.secret));
  } catch (error) {
    if (isSecretsError(error, 'secretMissing'))
      throw new SecretsError('secretMissing', { names: error.details.names, server: server.name });
    throw error;
  }
}

/** A message with secrets in `params._meta["mcp-secrets/secrets"]`, if it is a tool call; else the same message. */
export function addSecrets(message: Message, secrets: Readonly<Record<string, string>>): Message {
  if (!isRequest(message) || message.method !== 'tools/call') return message;
  const params = objectAt(message, 'params') ?? {};
  return { ...message, params: { ...params, _meta: { ...objectAt(params, '_meta'), 'mcp-secrets/secrets': secrets } } };
}

/**
 * The values that an upstream was given while it can still speak: all of them are looked for in what it says,
 * also when a secret got a new value in between.
 */
export class Exposure {
  #redactor: Redactor;
  readonly #versions = new Set<string>();

  constructor(injection: Injection) {
    this.#redactor = injection.redactor;
    this.add(injection);
  }

  /** Finds every value given so far. */
  get redactor(): Redactor {
    return this.#redactor;
  }

  /** Remembers what the upstream was given now. */
  add({ versions, redactor }: Injection): void {
    const before = this.#versions.size;
    for (const [name, seal] of versions) this.#versions.add(`${name} ${seal}`);
    if (this.#versions.size > before && redactor !== this.#redactor) this.#redactor = this.#redactor.with(redactor);
  }
}
