import fc from 'fast-check';
import { anyText } from './arbitraries';

const characters = (alphabet: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...Array.from(alphabet)), { minLength, maxLength }).map((chosen) => chosen.join(''));

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';

/** A token as services issue it. */
const token = fc
  .tuple(fc.constantFrom('ghp_', 'sk-', 'xoxb-', 'AKIA', ''), characters(LETTERS + DIGITS, 16, 48))
  .map(([prefix, rest]) => prefix + rest);
const hexToken = characters('0123456789abcdef', 8, 64);
const base64Token = fc.uint8Array({ minLength: 6, maxLength: 48 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const base64Url = fc.uint8Array({ minLength: 6, maxLength: 48 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const hostileToJson = characters('"\\/\b\n\t\u0001{}[],:abc', 8, 24);
const hostileToUrls = characters(' +%&=?#/ä€😀~xyz', 8, 20);
const hostileToHtml = characters('<>&"\'=;ab#x2', 8, 20);
const digits = characters(DIGITS, 8, 20);
const address = fc
  .tuple(token, hostileToUrls)
  .map(([user, password]) => `postgres://${user}:${encodeURIComponent(password)}@db:5432/x?ssl=1`);
const key = fc
  .tuple(fc.array(characters(`${LETTERS}${DIGITS}+/`, 64, 64), { minLength: 1, maxLength: 6 }), fc.constantFrom('\n', '\r\n'))
  .map(([lines, lineBreak]) => ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join(lineBreak));

/**
 * A secret's value that is looked for everywhere (8 or more UTF-16 units), as they are: tokens, keys of several lines, passwords
 * that are hostile to each encoding, text in any script.
 */
export const anySecret: fc.Arbitrary<string> = fc
  .oneof(token, hexToken, base64Token, base64Url, hostileToJson, hostileToUrls, hostileToHtml, digits, address, key, anyText(8, 40))
  // What is nothing but spaces and line breaks cannot be told from the layout of text.
  .filter((value) => value.trim().length >= 8);
