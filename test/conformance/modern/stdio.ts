import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { credentialName } from '../shared/credential';
import { OneVersion } from './oneVersion';
import { modernServer } from './server';

if (process.env[credentialName] === undefined) throw new Error(`${credentialName} is not set`);
serveStdio(
  async () => {
    const mcp = await modernServer({ toolsChanged: () => mcp.sendToolListChanged(), promptsChanged: () => mcp.sendPromptListChanged() });
    return mcp;
  },
  { legacy: 'reject', transport: new OneVersion(new StdioServerTransport()) },
);
