import type { Server } from '../../bindings/server';
import { DEFAULT_SCOPE } from '../../vault/secret';
import type { SecretInfo, VersionInfo } from '../../vault/secret';
import { byScope, keyOf } from '../secretRef';
import type { SecretRef } from '../secretRef';

/** The secrets of one scope. */
export interface ScopeNode {
  readonly kind: 'scope';
  readonly scope: string;
  readonly secrets: readonly SecretNode[];
  /** The servers that take their secrets from it. */
  readonly servers: readonly string[];
}

/** A secret in the view: one that exists, or one that a server is bound to and that does not exist. */
export interface SecretNode extends SecretRef {
  readonly kind: 'secret';
  /** Absent: it does not exist. */
  readonly info?: SecretInfo;
  /** The servers that are bound to it. */
  readonly servers: readonly string[];
}

/** One version of a secret. */
export interface VersionNode extends SecretRef {
  readonly kind: 'version';
  readonly version: VersionInfo;
}

/** An item of the view Secrets. */
export type SecretsViewNode = ScopeNode | SecretNode | VersionNode;

/** The secrets that exist and those that servers are bound to, by scope and name. */
export function secretNodes(infos: readonly SecretInfo[], servers: Iterable<Server>): SecretNode[] {
  const nodes = new Map<string, SecretRef & { kind: 'secret'; info?: SecretInfo; servers: string[] }>();
  for (const info of infos) nodes.set(keyOf(info), { kind: 'secret', scope: info.scope, name: info.name, info, servers: [] });
  for (const { name: server, scope, bindings } of servers) {
    for (const { secret: name } of bindings) {
      const key = keyOf({ scope, name });
      const node = nodes.get(key) ?? { kind: 'secret', scope, name, servers: [] };
      node.servers.push(server);
      nodes.set(key, node);
    }
  }
  return [...nodes.values()].sort((a, b) => byScope(a.scope, b.scope) || (a.name < b.name ? -1 : 1));
}

/** The top of the tree: the secrets themselves while all are in the default scope, else the scopes. @param secrets in order. */
export function topNodes(secrets: readonly SecretNode[]): (SecretNode | ScopeNode)[] {
  if (secrets.every(({ scope }) => scope === DEFAULT_SCOPE)) return [...secrets];
  const scopes = new Map<string, SecretNode[]>();
  for (const node of secrets) {
    const own = scopes.get(node.scope);
    if (own === undefined) scopes.set(node.scope, [node]);
    else own.push(node);
  }
  return [...scopes].map(([scope, own]) => ({
    kind: 'scope',
    scope,
    secrets: own,
    servers: [...new Set(own.flatMap(({ servers }) => servers))],
  }));
}
