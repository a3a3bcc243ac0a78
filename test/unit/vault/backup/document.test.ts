import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatDocument, parseDocument } from '../../../../src/vault/backup/document';
import { isSecretsError } from '../../../../src/shared/errors';
import { anyJson } from '../../support/arbitraries';
import { outcomeOf, refusal } from '../../support/errors';
import { snapshot } from '../../support/snapshots';

const value = Buffer.from('value').toString('base64');
const version = { version: 1, createdAt: 1, value };
const secret = { scope: 'workspace', name: 'TOKEN', createdAt: 1, versions: [version] };
const whole = { format: 1, product: 'mcp-secrets', createdAt: 1, workspace: 'shop', secrets: [secret], serversFile: null };

const bytes = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));
const withSecret = (changes: object): object => ({ ...whole, secrets: [{ ...secret, ...changes }] });
const withVersion = (changes: object): object => withSecret({ versions: [{ ...version, ...changes }] });

describe('the document in a backup', () => {
  it('is read with the fields that it has', () => {
    assert.deepEqual(parseDocument(bytes(whole)), {
      createdAt: 1,
      workspace: 'shop',
      secrets: [{ ...secret, versions: [{ ...version, value: Buffer.from('value') }] }],
    });
  });

  it('ignores fields that it does not know, and those that would reach a prototype', () => {
    const text = JSON.stringify(whole).replace(
      '{"format"',
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"note":1,"format"',
    );
    const backup = parseDocument(Buffer.from(text.replace('{"scope"', '{"__proto__":{"polluted":true},"scope"')));
    assert.deepEqual(Object.keys(backup), ['createdAt', 'workspace', 'secrets']);
    assert.ok(!('polluted' in backup) && !('polluted' in (backup.secrets[0] ?? {})) && !('polluted' in {}));
  });

  const bad: Readonly<Record<string, object>> = {
    'another product': { ...whole, product: 'something' },
    'an older format than there is': { ...whole, format: 0 },
    'no format': { ...whole, format: undefined },
    'a date beyond all dates': { ...whole, createdAt: 8.64e15 + 1 },
    'a name that is not normalised': withSecret({ name: 'token' }),
    'a name without a letter': withSecret({ name: '___' }),
    'a name that is a prototype': withSecret({ name: '__proto__' }),
    'a scope that is a path': withSecret({ scope: '../x' }),
    'no version': withSecret({ versions: [] }),
    'versions that do not rise': withSecret({ versions: [version, version] }),
    'versions that fall': withSecret({ versions: [{ ...version, version: 2 }, version] }),
    'a version that leaves no room for the next one': withVersion({ version: Number.MAX_SAFE_INTEGER }),
    'version 0': withVersion({ version: 0 }),
    'half a version': withVersion({ version: 1.5 }),
    'a date below zero': withVersion({ createdAt: -1 }),
    'an empty value': withVersion({ value: '' }),
    'a value that is no base64': withVersion({ value: 'no base64!' }),
    'a value that is too large': withVersion({ value: Buffer.alloc(64 * 1024 + 3).toString('base64') }),
    'the same secret twice': { ...whole, secrets: [secret, secret] },
    'more versions than a vault keeps': withSecret({ versions: Array.from({ length: 1001 }, (_, i) => ({ ...version, version: i + 1 })) }),
    'a servers file of absurd size': { ...whole, serversFile: 'x'.repeat(4 * 1024 * 1024 + 1) },
  };
  for (const [what, document] of Object.entries(bad)) {
    it(`with ${what} is refused`, () => refusal('backupUnreadable', () => parseDocument(bytes(document))));
  }

  it('of a newer format says so, whatever else is in it', async () => {
    const error = await refusal('backupNewer', () => parseDocument(bytes({ product: 'mcp-secrets', format: 7 })));
    assert.deepEqual(error.details, { format: 7, known: 1 });
  });

  it('that is no JSON is refused and not repeated', async () => {
    for (const text of ['', 'hunter2', '{"value":"hunter2"', '[]', 'null', '"\ud800"'])
      assert.doesNotMatch((await refusal('backupUnreadable', () => parseDocument(Buffer.from(text)))).message, /hunter2/);
    await refusal('backupUnreadable', () => parseDocument(Buffer.from([0x22, 0xff, 0x22])));
    await refusal('backupUnreadable', () => parseDocument(Buffer.from('['.repeat(1_000_000))));
  });

  it('of any JSON is read or refused, and no value is repeated', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, fc.constantFrom('format', 'secrets', 'workspace', 'serversFile', 'createdAt'), async (json, key) => {
        for (const document of [json, { ...whole, [key]: json }, withVersion({ value: json }), withSecret({ versions: json })]) {
          const error = await outcomeOf(() => parseDocument(bytes(document)));
          assert.ok(
            error === undefined || isSecretsError(error, 'backupUnreadable') || isSecretsError(error, 'backupNewer'),
            String(error),
          );
        }
      }),
    );
  });

  it('that could not be read again is not written', async () => {
    const backup = { createdAt: 1, workspace: 'shop', secrets: [snapshot('lower', ['one'])] };
    assert.match((await refusal('backupFailed', () => formatDocument(backup))).message, /"secrets.0.name"/);
  });

  it('as the vault has it at its largest can be written', () => {
    const largest = snapshot(
      'LARGE',
      Array.from({ length: 100 }, () => 'x'.repeat(64 * 1024)),
    );
    const read = parseDocument(formatDocument({ createdAt: 1, workspace: 'shop', secrets: [largest] }));
    assert.equal(read.secrets[0]?.versions.at(-1)?.value.length, 64 * 1024);
  });
});
