/** The part that the clients of both generations of the SDK have in common. */
export interface Explorer {
  getServerCapabilities(): { readonly tools?: unknown; readonly resources?: unknown; readonly prompts?: unknown } | undefined;
  listTools(): Promise<{ tools: { name: string; inputSchema: object }[] }>;
  callTool(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  listResources(): Promise<{ resources: { uri: string }[] }>;
  readResource(params: { uri: string }): Promise<unknown>;
  listPrompts(): Promise<{ prompts: { name: string }[] }>;
  getPrompt(params: { name: string }): Promise<unknown>;
}

interface Context {
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: Record<string, unknown> }[];
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/**
 * Does with a server what a curious agent does: looks at everything that is there, and calls every tool. @param context what
 * the suite wants to be called, if anything.
 */
export async function explore(client: Explorer, context: Context): Promise<void> {
  const { tools, resources, prompts } = client.getServerCapabilities() ?? {};
  if (tools !== undefined) {
    const listed = (await client.listTools()).tools;
    const calls =
      context.toolCalls ?? listed.map(({ name, inputSchema }) => ({ name, arguments: argumentsFor(inputSchema, listed[0]?.inputSchema) }));
    for (const call of calls) await client.callTool(call).catch(() => undefined);
  }
  if (resources !== undefined) {
    for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri }).catch(() => undefined);
  }
  if (prompts !== undefined) {
    for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name }).catch(() => undefined);
  }
}

/** Arguments of the right types. A tool that wants a schema is given that of the first tool (SEP-1613). */
function argumentsFor(inputSchema: Schema, first: object | undefined): Record<string, unknown> {
  const value = (name: string, { type }: Schema): unknown => {
    if (name === 'schema') return first;
    return type === 'number' || type === 'integer' ? 5 : type === 'boolean' ? true : 'text';
  };
  return Object.fromEntries(Object.entries(inputSchema.properties ?? {}).map(([name, schema]) => [name, value(name, schema)]));
}
