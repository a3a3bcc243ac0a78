import * as vscode from 'vscode';
import { toJSONSchema } from 'zod';
import { fileSchema } from '../bindings/schema';
import type { Server } from '../bindings/server';
import { defaultMode, modesOf } from '../bindings/server';
import { DEFAULT_SCOPE, USER_SCOPE } from '../vault/secret';
import type { SecretInfo } from '../vault/secret';
import { SCHEMA_SCHEME } from './ids';
import type { SecretRef } from './secretRef';
import type { Workspace } from './workspace';

/** Where the schema is; package.json names the same address. */
export const SCHEMA_URI = vscode.Uri.parse(`${SCHEMA_SCHEME}:///servers.json`);

/** Gives the editor's JSON support a schema that knows the secrets of this vault, and tells it when they change. */
export function registerSchema(workspace: Workspace | undefined): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const infos = (): SecretInfo[] => {
    try {
      return workspace?.vaults.list() ?? [];
    } catch {
      return []; // Completion is a help; what is wrong with the vault is said elsewhere.
    }
  };
  return vscode.Disposable.from(
    changed,
    workspace?.onDidChange(() => {
      changed.fire(SCHEMA_URI);
    }) ?? new vscode.Disposable(() => undefined),
    vscode.workspace.registerTextDocumentContentProvider(SCHEMA_SCHEME, {
      onDidChange: changed.event,
      provideTextDocumentContent: () => JSON.stringify(schemaFor(infos()), undefined, 1),
    }),
  );
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  const?: string;
  enum?: unknown[];
  [keyword: string]: unknown;
}

/** What only checks. Our own diagnostics check, with better words; the schema is for completion and hovers. */
const CHECKS = ['required', 'pattern', 'format', 'propertyNames', 'minLength', 'maxLength', 'minItems', 'maxItems', 'allOf'];

/**
 * The JSON schema of the servers file, made from the one that reads it; offers the names of these secrets, and their scopes.
 * A schema cannot tell which name is in the scope of which server: all are offered, and our diagnostics say what is missing.
 */
export function schemaFor(secrets: readonly SecretRef[]): object {
  const names = [...new Set(secrets.map(({ name }) => name))];
  const scopes = [...new Set([...secrets.map(({ scope }) => scope), USER_SCOPE])].filter((scope) => scope !== DEFAULT_SCOPE);
  const schema = toJSONSchema(fileSchema(), {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const check of CHECKS) Reflect.deleteProperty(jsonSchema, check);
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as JsonSchema;
  const servers = schema.properties?.servers?.additionalProperties;
  for (const server of typeof servers === 'object' ? (servers.anyOf ?? []) : []) {
    const kind = server.properties?.type?.const as Server['type'] | 'sse' | undefined;
    const type = kind === 'sse' ? 'http' : kind;
    const bound = server.properties?.secrets;
    const binding = bound?.additionalProperties;
    if (type === undefined || bound === undefined || typeof binding !== 'object') continue;
    offerModes(binding, type);
    // Without a snippet, completion of a name would not write the colon and a value.
    const named = { ...binding, defaultSnippets: [{ body: defaultMode(type) }] };
    bound.properties = Object.fromEntries(names.map((name) => [name, named]));
    if (server.properties?.scope !== undefined) server.properties.scope.examples = scopes;
  }
  offerValues(schema);
  return schema;
}

/** Offers the values of every other enumeration, and checks none. */
function offerValues(schema: JsonSchema): void {
  if (schema.enum !== undefined) {
    schema.examples = schema.enum;
    delete schema.enum;
  }
  const parts = [...(schema.anyOf ?? []), ...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  for (const part of parts) if (typeof part === 'object') offerValues(part);
}

/** Leaves the modes that make sense for a type of server, the default one first. */
function offerModes(schema: JsonSchema, type: Server['type']): void {
  if (schema.enum !== undefined) {
    // Examples are offered like the values of an enumeration, and check nothing.
    delete schema.enum;
    schema.examples = [...modesOf(type)];
  }
  for (const part of [...(schema.anyOf ?? []), ...Object.values(schema.properties ?? {})]) offerModes(part, type);
}
