import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { credentialName } from '../shared/credential';
import { legacyServer } from './server';

if (process.env[credentialName] === undefined) throw new Error(`${credentialName} is not set`);
void legacyServer().connect(new StdioServerTransport());
