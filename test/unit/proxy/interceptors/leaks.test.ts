import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';
import { atOnce } from '../../../../src/shared/steps';
import { JSON_ENCODERS, URL_ENCODERS } from '../../support/encoders';
import { anySecret } from '../../support/secrets';
import { anyWriting } from '../../support/writings';

/** Cases of the run that is the same each time, and of the one that is not. */
const CASES = 10_000;
const SEED = 20_261_121;

/** Stands around what is written: no value holds it, and it is part of no encoding. */
const WALL = '\u{20000}';

type Place = 'text' | 'key' | 'list' | 'nested';

const jsonEncoder = fc.constantFrom(...JSON_ENCODERS.map(([, encode]) => encode));
/** What software does. Every character escaped in every layer is 6 to the power of the layers times as long. */
const usualEncoder = fc.constantFrom(...JSON_ENCODERS.filter(([, encode]) => encode('x') === '"x"').map(([, encode]) => encode));
const anyCase = fc.record({
  secrets: fc.array(anySecret, { minLength: 1, maxLength: 3 }),
  writing: anyWriting,
  place: fc.constantFrom<Place>('text', 'key', 'list', 'nested'),
  encode: jsonEncoder,
  nest: fc.array(usualEncoder, { maxLength: 3 }),
});

/** The JSON text of an answer that holds some text at a place. */
function answer(place: Place, text: string, encode: (text: string) => string): string {
  const string = encode(text);
  const result = {
    text: `{"content":[{"type":"text","text":${string}}],"n":[1.50,-0,12345678901]}`,
    key: `{"structuredContent":{${string}:null},"n":1e5}`,
    list: `{"list":[["x",${string},"\\ud83d\\ude00 \\\\ \\"y\\""],{}]}`,
    nested: `{"contents":[{"uri":"file:///x","mimeType":"a/b","_meta":{"k":[{"v":${string}}]}}]}`,
  }[place];
  return `{"jsonrpc": "2.0", "id": 7,\n"result":${result}}`;
}

/** The text at that place. */
function textAt(place: Place, json: string): string {
  const { result } = JSON.parse(json) as { result: Record<string, never> };
  const found = {
    text: (): unknown => (result.content as unknown as [{ text: unknown }])[0].text,
    key: (): unknown => Object.keys(result.structuredContent as unknown as object)[0],
    list: (): unknown => (result.list as unknown as [unknown[]])[0][1],
    nested: (): unknown => (result.contents as unknown as [{ _meta: { k: [{ v: unknown }] } }])[0]._meta.k[0].v,
  }[place]();
  return String(found);
}

describe('whatever a server repeats', () => {
  for (const [how, seed] of [
    ['the same cases each time', SEED],
    ['new cases each time', Date.now() % 2 ** 31],
  ] as const) {
    it(`is found however it is written: ${how}, seed ${String(seed)}`, function () {
      this.timeout(300_000);
      fc.assert(
        fc.property(anyCase, ({ secrets: [first, ...others], writing, place, encode, nest }) => {
          assert.ok(first !== undefined);
          const redactor = new Redactor([first, ...others].map((value, i) => ({ name: `K${String(i)}`, value: Buffer.from(value) })));
          const { before, written, after } = writing.write(first);
          const nested = (text: string): string => nest.reduce((inner, json) => json(inner), text);
          const text = answer(place, nested(`${WALL}${before}${written}${after}${WALL}`), encode);

          const clean = redactor.json(text);

          // It is JSON of the same shape, in which only that text has changed.
          const shown = textAt(place, clean);
          assert.deepEqual(JSON.parse(clean), JSON.parse(answer(place, shown, JSON.stringify)));
          const inner = nest.reduce((outer) => String(JSON.parse(outer)), shown);
          assert.ok(inner.startsWith(WALL + before) && inner.endsWith(after + WALL), `${writing.name}: ${inner}`);
          assert.ok(inner.includes('[redacted:K'), `${writing.name} is missed: ${JSON.stringify(first)} in ${text}`);
          const remains = writing.remains(inner.replaceAll(/\[redacted:K\d\]/g, ''), first);
          assert.deepEqual(remains, [], `${writing.name}: something of ${JSON.stringify(first)} remains in ${inner}`);
        }),
        { numRuns: seed === SEED ? CASES : CASES / 4, seed },
      );
    });
  }

  it('is found at the cuts between the pieces in which long text is searched', function () {
    this.timeout(120_000);
    fc.assert(
      fc.property(
        anySecret,
        anyWriting,
        jsonEncoder,
        fc.integer({ min: -400, max: 10 }),
        fc.boolean(),
        (secret, writing, encode, shift, short) => {
          const { before, written, after } = writing.write(secret);
          const redactor = new Redactor([
            { name: 'K0', value: Buffer.from(secret) },
            ...(short ? [{ name: 'W', value: Buffer.from('wörd') }] : []),
          ]);
          const fill = `{"a\\n":"${'\\"\\\\n x'.repeat(15_000)}","b":"`;
          const padding = 131_072 + shift - fill.length;
          const leak = encode(`${WALL}${before}${written}${after}${WALL}`);
          const text = `{"r":[${fill}${'-'.repeat(padding)}"},${leak},"${'y'.repeat(140_000)} nowörd wörd"]}`;
          const clean = redactor.json(text);
          assert.ok(clean.includes('[redacted:K0]'), `${writing.name} is missed: ${JSON.stringify(secret)}, ${String(shift)}`);
          JSON.parse(clean);
          const [, kept = ''] = text.split(leak);
          const end = short ? kept.replace(' wörd', ' [redacted:W]') : kept;
          assert.ok(clean.endsWith(end) && clean.startsWith(`{"r":[${fill}`));
        },
      ),
      { numRuns: 150, seed: SEED },
    );
  });

  it('is found as one text as it is found in steps', () => {
    fc.assert(
      fc.property(anySecret, anyWriting, (secret, writing) => {
        const { before, written, after } = writing.write(secret);
        const redactor = new Redactor([{ name: 'K0', value: Buffer.from(secret) }]);
        const text = `${before}${written}${after}`;
        assert.equal(atOnce(redactor.textInSteps(text)), redactor.text(text));
        assert.equal(atOnce(redactor.jsonInSteps(JSON.stringify([text]))), redactor.json(JSON.stringify([text])));
      }),
      { numRuns: 300 },
    );
  });

  it('is found in addresses inside JSON inside JSON', () => {
    fc.assert(
      fc.property(anySecret, fc.constantFrom(...URL_ENCODERS), fc.integer({ min: 1, max: 4 }), (secret, [, encode], depth) => {
        let text = `see https://x/?a=%20b&q=${encode(JSON.stringify({ secret }))}&r=100%`;
        for (let i = 0; i < depth; i += 1) text = JSON.stringify(text);
        // One layer of JSON is inside of the address.
        if (depth === 4) return;
        const clean = new Redactor([{ name: 'K0', value: Buffer.from(secret) }]).json(text);
        assert.ok(clean.includes('[redacted:K0]'), text);
        JSON.parse(clean);
      }),
      { numRuns: 300 },
    );
  });
});
