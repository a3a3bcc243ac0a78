import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { ElicitRequestFormParams } from '@modelcontextprotocol/sdk/types.js';
import { noArguments } from '../shared/schemas';
import { oneText, textResult } from './tool';
import type { Extra, LegacyTool } from './tool';

type Schema = ElicitRequestFormParams['requestedSchema'];

const person: Schema = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
};

/** A default for each kind of value (SEP-1034). */
const defaults: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
};

/** Each kind of choice (SEP-1330). */
const choices: Schema = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: titled('Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
  },
};

/** Tools that ask the user. */
export const elicitingTools: Readonly<Record<string, LegacyTool>> = {
  test_elicitation: {
    description: 'Asks the user for a name and an address',
    inputSchema: oneText('message'),
    call: async ({ message }, extra) => textResult(`User response: ${await ask(extra, String(message), person)}`),
  },
  test_elicitation_sep1034_defaults: {
    description: 'Asks the user, with a default for each kind of value',
    inputSchema: noArguments,
    call: async (_, extra) => textResult(`Elicitation completed: ${await ask(extra, 'Please review the defaults', defaults)}`),
  },
  test_elicitation_sep1330_enums: {
    description: 'Asks the user, with each kind of choice',
    inputSchema: noArguments,
    call: async (_, extra) => textResult(`Elicitation completed: ${await ask(extra, 'Please choose', choices)}`),
  },
};

async function ask({ sendRequest }: Extra, message: string, requestedSchema: Schema): Promise<string> {
  const { action, content } = await sendRequest({ method: 'elicitation/create', params: { message, requestedSchema } }, ElicitResultSchema);
  return `action=${action}, content=${JSON.stringify(content ?? {})}`;
}

function titled(word: string): { const: string; title: string }[] {
  return ['First', 'Second', 'Third'].map((which, i) => ({ const: `value${String(i + 1)}`, title: `${which} ${word}` }));
}
