import * as vscode from 'vscode';
import { toJSONSchema } from 'zod';
import { fileSchema } from '../bindings/schema';
import type { Server } from '../bindings/server';
import { defaultMode, modesOf } from '../bindings/server';
import { SCHEMA_SCHEME } from './ids';
import type { Workspace } from './workspace';

/** Where the schema is; package.json names the same address. */
export const SCHEMA_URI = vscode.Uri.parse(`${SCHEMA_SCHEME}:///servers.json`);

/** Gives the editor's JSON support a schema that knows the secrets of this vault, and tells it when they change. */
export function registerSchema(workspace: Workspace | undefined): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const names = (): string[] => {
    try {
      return workspace?.vault.list().map(({ name }) => name) ?? [];
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
      provideTextDocumentContent: () => JSON.stringify(schemaFor(names()), undefined, 1),
    }),
  );
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  const?: string;
  enum?: unknown[];
  [keyword: string]: unknown;
}

/** What only checks. Our own diagnostics check, with better words; the schema is for completion and hovers. */
const CHECKS = ['required', 'pattern', 'format', 'propertyNames', 'minLength', 'minItems', 'allOf'];

/** The JSON schema of the servers file, made from the one that reads it; offers these names under "secrets". */
export function schemaFor(names: readonly string[]): object {
  const schema = toJSONSchema(fileSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const check of CHECKS) Reflect.deleteProperty(jsonSchema, check);
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as JsonSchema;
  const servers = schema.properties?.servers?.additionalProperties;
  for (const server of typeof servers === 'object' ? (servers.anyOf ?? []) : []) {
    const type = server.properties?.type?.const as Server['type'] | undefined;
    const secrets = server.properties?.secrets;
    const binding = secrets?.additionalProperties;
    if (type === undefined || secrets === undefined || typeof binding !== 'object') continue;
    offerModes(binding, type);
    // Without a snippet, completion of a name would not write the colon and a value.
    const named = { ...binding, defaultSnippets: [{ body: defaultMode(type) }] };
    secrets.properties = Object.fromEntries(names.map((name) => [name, named]));
  }
  return schema;
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
