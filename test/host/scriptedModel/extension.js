import * as vscode from 'vscode';

const model = {
  id: 'scripted-model',
  name: 'Scripted Model',
  family: 'scripted',
  version: '1',
  maxInputTokens: 200_000,
  maxOutputTokens: 10_000,
  isUserSelectable: true,
  isDefault: true,
  capabilities: { toolCalling: true },
};

/** Registers the model; every request goes to the test process, which answers with a text or a tool call. */
export function activate(context) {
  const provider = {
    provideLanguageModelChatInformation: () => [model],
    provideTokenCount: () => 1,
    async provideLanguageModelChatResponse(_model, messages, options, progress) {
      const reply = await ask({ messages: messages.map(plainMessage), tools: options.tools ?? [] });
      progress.report(
        reply.toolCall === undefined
          ? new vscode.LanguageModelTextPart(reply.text)
          : new vscode.LanguageModelToolCallPart(crypto.randomUUID(), reply.toolCall.name, reply.toolCall.input),
      );
    },
  };
  context.subscriptions.push(vscode.lm.registerLanguageModelChatProvider('scripted', provider));
}

async function ask(request) {
  const response = await fetch(`http://127.0.0.1:${process.env.SCRIPTED_MODEL_PORT}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

function plainMessage({ role, content }) {
  const names = { [vscode.LanguageModelChatMessageRole.User]: 'user', [vscode.LanguageModelChatMessageRole.Assistant]: 'assistant' };
  return { role: names[role] ?? 'system', parts: content.map(plainPart) };
}

function plainPart(part) {
  if (part instanceof vscode.LanguageModelTextPart) return { type: 'text', text: part.value };
  if (part instanceof vscode.LanguageModelToolCallPart)
    return { type: 'toolCall', callId: part.callId, name: part.name, input: part.input };
  if (part instanceof vscode.LanguageModelToolResultPart)
    return { type: 'toolResult', callId: part.callId, content: part.content.map(plainPart) };
  if (part?.data instanceof Uint8Array) return { type: 'data', mimeType: part.mimeType, text: new TextDecoder().decode(part.data) };
  return { type: 'other', value: part };
}
