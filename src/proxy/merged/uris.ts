const SCHEME = 'mcp-secrets:';

/** The URI of a resource with the server that it is from: for those that several servers list. Works for URI templates as well. */
export function prefixedUri(server: string, uri: string): string {
  return `${SCHEME}${server}:${uri}`;
}

/** What `prefixedUri` was made from; `undefined` for any other URI. */
export function splitUri(uri: string): { readonly server: string; readonly uri: string } | undefined {
  if (!uri.startsWith(SCHEME)) return undefined;
  const end = uri.indexOf(':', SCHEME.length);
  return end < 0 ? undefined : { server: uri.slice(SCHEME.length, end), uri: uri.slice(end + 1) };
}

/**
 * The literal pieces of a URI template (RFC 6570) if a URI could be made from it: it has these pieces in this order, the
 * first at its beginning and the last at its end. Takes time in proportion to the URI, whatever the template.
 */
export function fitsTemplate(template: string, uri: string): boolean {
  const [first = '', ...rest] = template.split(/\{[^{}]*\}/);
  const last = rest.pop();
  if (last === undefined) return uri === first;
  if (!uri.startsWith(first) || uri.length < first.length + last.length || !uri.endsWith(last)) return false;
  let from = first.length;
  for (const piece of rest) {
    const found = uri.indexOf(piece, from);
    if (found < 0) return false;
    from = found + piece.length;
  }
  return from <= uri.length - last.length;
}
