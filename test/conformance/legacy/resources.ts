import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { fixedResources, template, templateData } from '../shared/resources';

/** Offers the resources, the template and subscriptions. */
export function offerResources({ server }: McpServer): void {
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: fixedResources.map(({ uri, name, description, mimeType }) => ({ uri, name, description, mimeType })),
  }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [template] }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const found = fixedResources.find((resource) => resource.uri === uri);
    if (found !== undefined) return { contents: [{ uri, mimeType: found.mimeType, ...found.content }] };
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    if (id !== undefined) return { contents: [{ uri, mimeType: template.mimeType, text: templateData(id) }] };
    throw new McpError(ErrorCode.InvalidParams, 'Resource not found', { uri });
  });
  server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
}
