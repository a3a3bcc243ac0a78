import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { Redactor } from '../../src/proxy/interceptors/redactor';
import { atOnce } from '../../src/shared/steps';
import { collectCorpus } from '../fixtures/corpus/collect';
import type { Result } from '../fixtures/corpus/collect';

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
const digits = (count: number): string => times(count, () => String(randomInt(10))).join('');

/** Secrets as people have them. */
const REAL: readonly string[] = [
  ...times(6, () => `ghp_${randomBytes(18).toString('hex')}`),
  ...times(4, () => `sk-proj-${randomBytes(30).toString('base64url')}`),
  ...times(4, () => randomBytes(20).toString('hex')),
  ...times(4, () => randomBytes(32).toString('base64')),
  ...times(4, () => randomUUID()),
  ...times(3, () => `xoxb-${digits(12)}-${randomBytes(12).toString('base64url')}`),
  ...times(2, () => `AKIA${randomBytes(8).toString('hex').toUpperCase()}`),
  ...times(2, () => `postgres://app:${randomBytes(9).toString('base64url')}@db.internal:5432/app?sslmode=require`),
  ...times(2, () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
  ...times(2, () => digits(16)),
  `eyJhbGciOiJIUzI1NiJ9.${randomBytes(40).toString('base64url')}.${randomBytes(32).toString('base64url')}`,
  `Tr0ub4dor&${digits(3)}`,
  JSON.stringify({ type: 'service_account', private_key: `-----BEGIN\n${randomBytes(24).toString('base64')}\n`, client_id: digits(21) }),
];

/** Secrets that nobody should have. None of them looks different when it is escaped. */
const NASTY: readonly string[] = [
  ...['password', 'function', 'localhost:5432', '20260101', '12345678', 'description', 'undefined', 'github.com', '00000000'],
  ...['test', 'admin', 'hello', 'true', 'null', '1234', '5432', 'pass', 'abc', 'a', '0', '{', '""'],
];

function redactorFor(values: readonly string[]): Redactor {
  return new Redactor(values.map((value, i) => ({ name: `S${String(i)}`, value: Buffer.from(value) })));
}

const MARK = /\[redacted:S\d+\]/g;

/** Whether a word begins here: also after an escape, as in code that a file holds, for somebody who resolves it. */
const begins = (text: string, start: number): boolean => /(?:^|\W|\\[bfnrt])$/.test(text.slice(Math.max(0, start - 2), start));

/** The documented rule, applied naively: 8 or more characters anywhere, 4 to 7 as a whole word, fewer never. */
function expected(text: string): string {
  const found = NASTY.filter((value) => value.length >= 4).flatMap((value) =>
    // Occurrences can overlap.
    [...text.matchAll(new RegExp(`(?=${value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')})`, 'g'))]
      .map(({ index }) => ({ start: index, end: index + value.length, value }))
      .filter(({ start, end }) => value.length >= 8 || (begins(text, start) && !/\w/.test(text.charAt(end)))),
  );
  const gone = new Set(found.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)));
  return Array.from({ length: text.length }, (_, i) => (gone.has(i) ? '' : text.charAt(i))).join('');
}

/** A JSON value with each string, names included, turned into another one. */
function mapStrings(value: unknown, turn: (text: string) => string): unknown {
  if (typeof value === 'string') return turn(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, turn));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [turn(name), mapStrings(member, turn)]));
}

describe('real results of real tools', function () {
  this.timeout(300_000);
  let corpus: Result[];

  before(async function () {
    // Some of the servers may have to be installed first.
    this.timeout(600_000);
    corpus = await collectCorpus();
    assert.ok(corpus.length >= 1_000, String(corpus.length));
    assert.ok(REAL.length + NASTY.length >= 50);
  });

  it('are the very same when none of 36 secrets as people have them is in them', () => {
    const redactor = redactorFor(REAL);
    for (const { server, tool, text } of corpus) {
      assert.ok(redactor.json(text) === text, `${server} ${tool}`);
      assert.ok(atOnce(redactor.jsonInSteps(text)) === text, `${server} ${tool}`);
    }
  });

  it('lose nothing but what the rule says when secrets are common words, numbers and signs', () => {
    const redactor = redactorFor([...NASTY, ...REAL]);
    let changed = 0;
    for (const { server, tool, text } of corpus) {
      // Files in base64 may hold these words, encoded: no naive rule tells where.
      if (tool === 'read_media_file' || text.includes('"blob"') || text.includes('"image"')) continue;
      const clean = redactor.json(text);
      const turned = mapStrings(JSON.parse(text), expected);
      assert.deepEqual(
        mapStrings(JSON.parse(clean), (string) => string.replace(MARK, '')),
        turned,
        `${server} ${tool}`,
      );
      if (clean === text) continue;
      changed += 1;
      assert.match(clean, MARK);
    }
    assert.ok(changed > 0 && changed < corpus.length);
  });
});
