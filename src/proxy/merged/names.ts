import { createHash } from 'node:crypto';

/** The longest name: agents put up to 18 characters of their own before it, and models take 64. */
export const MAX_NAME = 46;

const SEPARATOR = '__';
/** 50 bits. Whoever wants to have the name of another server's tool would have to hit it, and the rest of the name, too. */
const HASH_LENGTH = 10;
const HASHED = new RegExp(`-[a-z2-7]{${String(HASH_LENGTH)}}$`);
const MIN_SERVER = 12;

/**
 * The name under which a server's tool or prompt is offered among those of all servers: `server__tool`, in letters, digits,
 * `_` and `-`, at most 46. It depends on these two names only, so that it stays the same whatever else there is.
 * Where that name would be too long, or could be another one's, it is cut and gets a hash of both.
 */
export function publicName(server: string, name: string): string {
  const plain = `${server}${SEPARATOR}${name}`;
  return isPlain(server) && plain.length <= MAX_NAME && /^[\w-]*$/.test(plain) && !HASHED.test(plain) ? plain : hashed(server, name);
}

/** The server and its own name for it that make up a public name without a hash; `undefined` for all others. */
export function splitName(name: string): { readonly server: string; readonly name: string } | undefined {
  const end = name.indexOf(SEPARATOR);
  if (end < 0) return undefined;
  const split = { server: name.slice(0, end), name: name.slice(end + SEPARATOR.length) };
  return publicName(split.server, split.name) === name ? split : undefined;
}

/** Whether the first separator in a name that begins with this server's is the one after it. */
function isPlain(server: string): boolean {
  return !server.includes(SEPARATOR) && !server.endsWith('_');
}

function hashed(server: string, name: string): string {
  const hash = base32(
    createHash('sha256')
      .update(JSON.stringify([server, name]))
      .digest(),
  ).slice(0, HASH_LENGTH);
  const room = MAX_NAME - SEPARATOR.length - 1 - HASH_LENGTH;
  const [first, second] = [clean(server), clean(name)];
  const head = first.slice(0, Math.max(MIN_SERVER, room - second.length));
  return `${head}${SEPARATOR}${second.slice(0, room - head.length)}-${hash}`;
}

function clean(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, '_');
}

/** RFC 4648, in lower case, without padding. */
function base32(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return (bits.match(/.{5}/g) ?? []).map((five) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(parseInt(five, 2))).join('');
}
