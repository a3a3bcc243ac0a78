import { jsonSchema202012, noArguments } from './schemas';

/** What a content block of a tool or a prompt is, in both eras. */
export type Block =
  | { type: 'text'; text: string }
  | { type: 'image' | 'audio'; data: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; text: string } };

/** A tool that always answers the same. */
export interface FixedTool {
  readonly description: string;
  readonly inputSchema: { type: 'object'; [keyword: string]: unknown };
  readonly content: Block[];
  readonly isError?: true;
}

/** A red pixel. */
export const pngPixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

/** A WAV file without a sample. */
const silence = Buffer.concat([
  Buffer.from('RIFF'),
  Buffer.from([36, 0, 0, 0]),
  Buffer.from('WAVEfmt '),
  Buffer.from([16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x80, 0x3e, 0, 0, 2, 0, 16, 0]),
  Buffer.from('data'),
  Buffer.from([0, 0, 0, 0]),
]).toString('base64');

/** The tools that are the same in both eras. */
export const fixedTools: Readonly<Record<string, FixedTool>> = {
  test_simple_text: tool('Returns a text', { type: 'text', text: 'This is a simple text response for testing.' }),
  test_image_content: tool('Returns an image', { type: 'image', data: pngPixel, mimeType: 'image/png' }),
  test_audio_content: tool('Returns a sound', { type: 'audio', data: silence, mimeType: 'audio/wav' }),
  test_embedded_resource: tool('Returns a resource', {
    type: 'resource',
    resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'This is an embedded resource content.' },
  }),
  test_multiple_content_types: tool(
    'Returns a text, an image and a resource',
    { type: 'text', text: 'Multiple content types test:' },
    { type: 'image', data: pngPixel, mimeType: 'image/png' },
    {
      type: 'resource',
      resource: { uri: 'test://mixed-content-resource', mimeType: 'application/json', text: '{"test":"data","value":123}' },
    },
  ),
  test_error_handling: {
    ...tool('Always fails', { type: 'text', text: 'This tool intentionally returns an error for testing' }),
    isError: true,
  },
  json_schema_2020_12_tool: {
    ...tool('Has an input schema with much of JSON Schema 2020-12', { type: 'text', text: 'ok' }),
    inputSchema: jsonSchema202012,
  },
};

function tool(description: string, ...content: Block[]): FixedTool {
  return { description, inputSchema: noArguments, content };
}
