import { pngPixel } from './tools';
import type { Block } from './tools';

/** A prompt. All its arguments are required. */
export interface FixedPrompt {
  readonly description: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly messages: (args: Readonly<Record<string, string>>) => Block[];
}

/** The prompts that are the same in both eras. */
export const fixedPrompts: Readonly<Record<string, FixedPrompt>> = {
  test_simple_prompt: {
    description: 'A prompt without arguments',
    arguments: {},
    messages: () => [{ type: 'text', text: 'This is a simple prompt for testing.' }],
  },
  test_prompt_with_arguments: {
    description: 'A prompt with two arguments',
    arguments: { arg1: 'The first one', arg2: 'The second one' },
    messages: ({ arg1 = '', arg2 = '' }) => [{ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }],
  },
  test_prompt_with_embedded_resource: {
    description: 'A prompt with a resource',
    arguments: { resourceUri: 'Where the resource is' },
    messages: ({ resourceUri = '' }) => [
      { type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' } },
      { type: 'text', text: 'Please process the embedded resource above.' },
    ],
  },
  test_prompt_with_image: {
    description: 'A prompt with an image',
    arguments: {},
    messages: () => [
      { type: 'image', data: pngPixel, mimeType: 'image/png' },
      { type: 'text', text: 'Please analyze the image above.' },
    ],
  },
};

/** What the arguments of the prompts can be completed to. */
export const completions: readonly string[] = ['test', 'testing', 'tested'];
