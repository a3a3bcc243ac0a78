import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { issueTracker } from './issueTracker';

/** The stdio server of these tests, a program of its own; its credential comes as LINEAR_API_KEY. */
const server = issueTracker('linear', 'search_issues', () => process.env.LINEAR_API_KEY);

// Servers write such things, and the log must not keep them.
process.stderr.write(`linear starts with ${process.env.LINEAR_API_KEY ?? 'no key'}\n`);
void server.connect(new StdioServerTransport());
