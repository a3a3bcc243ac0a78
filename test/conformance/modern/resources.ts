import { ResourceTemplate } from '@modelcontextprotocol/server';
import type { McpServer } from '@modelcontextprotocol/server';
import { fixedResources, template, templateData } from '../shared/resources';

/** Offers the resources and the template. */
export function offerResources(mcp: McpServer): void {
  for (const { uri, name, description, mimeType, content } of fixedResources) {
    mcp.registerResource(name, uri, { description, mimeType }, () => ({ contents: [{ uri, mimeType, ...content }] }));
  }
  const { uriTemplate, name, description, mimeType } = template;
  const resources = new ResourceTemplate(uriTemplate, { list: undefined });
  mcp.registerResource(name, resources, { description, mimeType }, ({ href }, { id }) => ({
    contents: [{ uri: href, mimeType, text: templateData(String(id)) }],
  }));
}
