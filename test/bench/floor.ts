/**
 * The floor: the least a reverse proxy on `node:http` can do. It copies bytes both ways over kept-alive
 * connections and understands nothing of them. What a proxy costs beyond this is its own doing.
 *
 *     node floor.mjs URL    prints one line: {"url":"http://127.0.0.1:PORT"}, ends with its stdin
 */
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

const upstream = new URL(process.argv[2] ?? '');
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, outgoing) => {
  const forwarded = request(
    {
      agent,
      host: upstream.hostname,
      port: upstream.port,
      method: incoming.method,
      path: incoming.url,
      headers: { ...incoming.headers, host: upstream.host },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.on('error', () => {
    outgoing.writeHead(502).end();
  });
  incoming.pipe(forwarded);
});

server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${String(port)}${upstream.pathname}` })}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
