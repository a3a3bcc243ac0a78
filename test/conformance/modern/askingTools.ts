import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { InputRequests, ServerContext } from '@modelcontextprotocol/server';
import { noArguments } from '../shared/schemas';
import { stateCodec } from './state';
import type { CallState } from './state';
import { declaredIn, textResult } from './tool';
import type { ModernResult, ModernTool } from './tool';

/** Asks for one value of the user. */
export function question(message: string, field: string, type: 'string' | 'boolean' = 'string'): InputRequests[string] {
  const value = type === 'boolean' ? { type } : { type };
  return inputRequired.elicit({ message, requestedSchema: { type: 'object', properties: { [field]: value }, required: [field] } });
}

/** Asks for words of the model. */
function words(text: string, maxTokens: number): InputRequests[string] {
  return inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens });
}

/** The text that the user or the model has given under a key. */
function given(context: ServerContext, key: string, field: string): string | undefined {
  const value = acceptedContent(context.mcpReq.inputResponses, key)?.[field];
  return typeof value === 'string' ? value : undefined;
}

/** Tools that need something of the client before they can answer (SEP-2322). */
export const askingTools: Readonly<Record<string, ModernTool>> = {
  test_input_required_result_elicitation: {
    description: 'Asks for a name',
    inputSchema: noArguments,
    call: (_, context) => {
      const name = given(context, 'user_name', 'name');
      if (name !== undefined) return textResult(`Hello, ${name}!`);
      return inputRequired({ inputRequests: { user_name: question('What is your name?', 'name') } });
    },
  },
  test_input_required_result_sampling: {
    description: 'Asks the model for a capital',
    inputSchema: noArguments,
    call: (_, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'capital_question');
      if (answer.kind === 'sampling') return textResult(JSON.stringify(answer.result.content));
      return inputRequired({ inputRequests: { capital_question: words('What is the capital of France?', 100) } });
    },
  },
  test_input_required_result_list_roots: {
    description: 'Asks for the roots',
    inputSchema: noArguments,
    call: (_, { mcpReq }) => {
      const answer = inputResponse(mcpReq.inputResponses, 'client_roots');
      if (answer.kind === 'roots') return textResult(`Roots: ${answer.roots.map(({ uri }) => uri).join(', ')}`);
      return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    },
  },
  test_input_required_result_request_state: {
    description: 'Asks for a confirmation and wants its state back',
    inputSchema: noArguments,
    call: (_, context) => confirmed(context),
  },
  test_input_required_result_tampered_state: {
    description: 'Asks for a confirmation and refuses a state that is not its own',
    inputSchema: noArguments,
    call: (_, context) => confirmed(context),
  },
  test_input_required_result_multiple_inputs: {
    description: 'Asks the user, the model and for the roots at once',
    inputSchema: noArguments,
    call: async (_, context) => {
      const { inputResponses } = context.mcpReq;
      const name = given(context, 'user_name', 'name');
      const greeting = inputResponse(inputResponses, 'greeting');
      const roots = inputResponse(inputResponses, 'client_roots');
      if (name !== undefined && greeting.kind === 'sampling' && roots.kind === 'roots') return textResult(`Everything is here, ${name}`);
      return inputRequired({
        inputRequests: {
          user_name: question('What is your name?', 'name'),
          greeting: words('Generate a greeting', 50),
          client_roots: inputRequired.listRoots(),
        },
        requestState: await stateAfter(1),
      });
    },
  },
  test_input_required_result_multi_round: {
    description: 'Asks twice, one after the other',
    inputSchema: noArguments,
    call: async (_, context) => {
      const state = context.mcpReq.requestState<CallState>();
      const color = given(context, 'step2', 'color');
      if (state?.step === 2 && color !== undefined) return textResult(`${String(state.answers.name)} likes ${color}`);
      const name = given(context, 'step1', 'name');
      if (state?.step === 1 && name !== undefined) {
        const inputRequests = { step2: question('Step 2: What is your favorite color?', 'color') };
        return inputRequired({ inputRequests, requestState: await stateAfter(2, { name }) });
      }
      return inputRequired({ inputRequests: { step1: question('Step 1: What is your name?', 'name') }, requestState: await stateAfter(1) });
    },
  },
  test_input_required_result_capabilities: {
    description: 'Asks for whatever the client can give',
    inputSchema: noArguments,
    call: (_, context) => {
      const { elicitation, sampling, roots } = declaredIn(context);
      const inputRequests = {
        ...(elicitation === undefined ? {} : { user_name: question('What is your name?', 'name') }),
        ...(sampling === undefined ? {} : { greeting: words('Generate a greeting', 50) }),
        ...(roots === undefined ? {} : { client_roots: inputRequired.listRoots() }),
      };
      if (context.mcpReq.inputResponses !== undefined || Object.keys(inputRequests).length === 0) return textResult('Nothing to ask');
      return inputRequired({ inputRequests });
    },
  },
};

async function confirmed(context: ServerContext): Promise<ModernResult> {
  const state = context.mcpReq.requestState<CallState>();
  if (state?.step === 1 && acceptedContent(context.mcpReq.inputResponses, 'confirm') !== undefined) return textResult('state-ok');
  return inputRequired({ inputRequests: { confirm: question('Please confirm', 'ok', 'boolean') }, requestState: await stateAfter(1) });
}

function stateAfter(step: number, answers: CallState['answers'] = {}): Promise<string> {
  return stateCodec.mint({ step, answers });
}
