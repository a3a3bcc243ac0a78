import { request } from 'node:http';

/**
 * As `fetch` over http, for a text as the body. The global one gives up by itself after five minutes without headers, or without a
 * piece of the body; this one waits until it is aborted.
 */
export function patientFetch(url: string | URL, { method = 'GET', headers, body, signal }: RequestInit = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { method, headers: Object.fromEntries(new Headers(headers)), ...(signal ? { signal } : {}) };
    const outgoing = request(url, options, (incoming) => {
      const { statusCode: status = 0 } = incoming;
      // A response with such a status may have no body, not even an empty one.
      const hasBody = ![204, 205, 304].includes(status);
      if (!hasBody) incoming.resume();
      resolve(new Response(hasBody ? incoming : undefined, { status, headers: headersOf(incoming.rawHeaders) }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Names and values in turn, as they came. */
function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i] ?? '', raw[i + 1] ?? '');
  return headers;
}
