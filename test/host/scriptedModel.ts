import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';

/** What a part of a message holds; binary data comes decoded as text, so that it can be searched too. */
export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'toolCall'; readonly callId: string; readonly name: string; readonly input: unknown }
  | { readonly type: 'toolResult'; readonly callId: string; readonly content: readonly ModelPart[] }
  | { readonly type: 'data'; readonly mimeType: string; readonly text: string }
  | { readonly type: 'other'; readonly value: unknown };

/** One message of the conversation as the model gets it. */
export interface ModelMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly ModelPart[];
}

/** A tool as it is offered to the model. */
export interface ModelTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema?: unknown;
}

/** Everything that the model sees in one request. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  readonly tools: readonly ModelTool[];
}

/** What the model says: words, or one tool call. */
export type ModelReply = { readonly text: string } | { readonly toolCall: { readonly name: string; readonly input: object } };

/** A language model whose words are the test's. Give `extension` and `env` to `launchVsCode`. */
export interface ScriptedModel {
  readonly port: number;
  /** The extension that offers the model in VS Code. */
  readonly extension: string;
  /** Tells the extension where this process listens. */
  readonly env: Readonly<Record<string, string>>;
  /** Every request so far, oldest first. */
  readonly requests: readonly ModelRequest[];
  stop(): Promise<void>;
}

/**
 * Starts the test's side of the scripted model. `script` answers each request, also those that VS Code makes by
 * itself (a chat's title, for instance); when it throws, the model's request fails with that error.
 */
export async function startScriptedModel(script: (request: ModelRequest) => ModelReply): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const answer = async (): Promise<void> => {
      const request = JSON.parse(await bodyOf(incoming)) as ModelRequest;
      requests.push(request);
      outgoing.setHeader('content-type', 'application/json');
      outgoing.end(JSON.stringify(script(request)));
    };
    answer().catch((error: unknown) => {
      outgoing.statusCode = 500;
      outgoing.end(error instanceof Error ? error.message : String(error));
    });
  });
  const port = await listen(server);
  return {
    port,
    extension: join(__dirname, 'scriptedModel'),
    env: { SCRIPTED_MODEL_PORT: String(port) },
    requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The text of the tool results in the last message that has one; undefined before a tool was called. */
export function lastToolResult({ messages }: ModelRequest): string | undefined {
  const results = messages.flatMap((message) => message.parts).filter((part) => part.type === 'toolResult');
  return results
    .at(-1)
    ?.content.map((part) => ('text' in part ? part.text : JSON.stringify(part)))
    .join('');
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('not listening on a port'));
      else resolve(address.port);
    });
  });
}
