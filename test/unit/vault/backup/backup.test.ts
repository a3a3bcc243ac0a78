import assert from 'node:assert/strict';
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { isSecretsError } from '../../../../src/shared/errors';
import { backupKeyKind, createBackup, readBackup } from '../../../../src/vault/backup/backup';
import type { LockingKey } from '../../../../src/vault/backup/key';
import type { SecretSnapshot } from '../../../../src/vault/secret';
import { outcomeOf, refusal } from '../../support/errors';
import { FixedClock } from '../../support/memory';
import { anySnapshots, snapshot } from '../../support/snapshots';

const clock = new FixedClock();
/** So long that it is not in random base64 by chance. */
const WORKSPACE = 'canary-workspace';
const phrase = (): { passphrase: Buffer } => ({ passphrase: Buffer.from('correct horse battery staple') });

function create(snapshots: readonly SecretSnapshot[], key: LockingKey, serversFile = ''): Promise<Uint8Array> {
  return createBackup({ snapshots, serversFile, workspace: WORKSPACE, clock, key });
}

describe('a backup', function () {
  this.timeout(60_000);
  let identity = '';
  let recipient = '';

  before(async () => {
    identity = await generateIdentity();
    recipient = await identityToRecipient(identity);
  });

  it('comes back as it was, whatever the secrets are', async () => {
    await fc.assert(
      fc.asyncProperty(anySnapshots, fc.string({ unit: 'grapheme', maxLength: 200 }), async (make, serversFile) => {
        const file = await create(make(), { recipients: [recipient] }, serversFile);
        const backup = await readBackup(file, { identities: identity });
        assert.deepEqual(backup, {
          createdAt: clock.now(),
          workspace: WORKSPACE,
          secrets: make(),
          ...(serversFile === '' ? {} : { serversFile }),
        });
      }),
      { numRuns: 50 },
    );
  });

  it('opens with its passphrase and says what it needs', async () => {
    const file = await create([snapshot('TOKEN', ['one', 'two'])], phrase());
    assert.equal(await backupKeyKind(file), 'passphrase');
    assert.deepEqual((await readBackup(file, phrase())).secrets, [snapshot('TOKEN', ['one', 'two'])]);
    await refusal('backupWrongKey', () => readBackup(file, { passphrase: Buffer.from('correct horse battery stable') }));
    await refusal('backupWrongKey', () => readBackup(file, { identities: identity }));
  });

  it('opens with the identity of any recipient, from a file with comments', async () => {
    const other = await generateIdentity();
    const file = await create([snapshot('TOKEN', ['one'])], { recipients: [recipient, await identityToRecipient(other)] });
    assert.equal(await backupKeyKind(file), 'identity');
    for (const mine of [identity, other]) {
      const identities = `# created: 2026-01-01T00:00:00Z\r\n# public key: age1…\r\n${await generateIdentity()}\r\n\r\n${mine}\r\n`;
      assert.equal((await readBackup(file, { identities })).secrets.length, 1);
    }
    await refusal('backupWrongKey', async () => readBackup(file, { identities: await generateIdentity() }));
    await refusal('backupWrongKey', () => readBackup(file, phrase()));
  });

  it('is read as ASCII armor, too', async () => {
    const file = await create([snapshot('TOKEN', ['one'])], { recipients: [recipient] });
    const armored = Buffer.from(armor.encode(file));
    assert.equal(await backupKeyKind(armored), 'identity');
    assert.deepEqual((await readBackup(armored, { identities: identity })).secrets, [snapshot('TOKEN', ['one'])]);
  });

  it('of more than one chunk of the format comes back', async () => {
    const value = 'x'.repeat(64 * 1024);
    const file = await create([snapshot('LARGE', [value, value, value])], { recipients: [recipient] });
    assert.equal((await readBackup(file, { identities: identity })).secrets[0]?.versions[2]?.value.toString(), value);
  });

  it('shows nothing of what is inside', async () => {
    const file = Buffer.from(
      await create([snapshot('CANARY_NAME', ['canary-value-7f3a'])], { recipients: [recipient] }, '{"canary-file":1}'),
    );
    for (const text of [
      'canary-value',
      Buffer.from('canary-value-7f3a').toString('base64'),
      'CANARY_NAME',
      'canary-file',
      'mcp-secrets',
      WORKSPACE,
    ])
      assert.ok(!file.includes(text), text);
  });

  it('with any one byte changed is refused', async () => {
    const file = await create([snapshot('TOKEN', ['one'])], { recipients: [recipient] });
    await fc.assert(
      fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] ?? 0) ^ mask;
        const error = await outcomeOf(() => readBackup(changed, { identities: identity }));
        assert.ok(isSecretsError(error, 'backupUnreadable') || isSecretsError(error, 'backupWrongKey'), String(error));
      }),
      { numRuns: 600 },
    );
  });

  it('that is cut off or goes on is refused', async () => {
    const file = await create([snapshot('TOKEN', ['x'.repeat(60_000), 'y'.repeat(60_000)])], { recipients: [recipient] });
    const ends = [0, 1, 21, 22, 100, file.length - 1, file.length - 16, file.length - 17];
    const header = Buffer.from(file).indexOf('\n--- ');
    // At the border of the first chunk of the payload, too.
    const chunk = header + 5 + 44 + 16 + 64 * 1024 + 16;
    for (const end of [...ends, header, chunk - 1, chunk, chunk + 1])
      await refusal('backupUnreadable', () => readBackup(file.subarray(0, end), { identities: identity }));
    await refusal('backupUnreadable', () => readBackup(Buffer.concat([file, Buffer.from('x')]), { identities: identity }));
  });

  it('that is no age file is refused', async () => {
    for (const text of [
      '',
      'PK\u0003\u0004',
      '{"secrets":[]}',
      '-----BEGIN AGE ENCRYPTED FILE-----\nnot base64\n-----END AGE ENCRYPTED FILE-----',
    ]) {
      await refusal('backupUnreadable', () => readBackup(Buffer.from(text), { identities: identity }));
      await refusal('backupUnreadable', () => backupKeyKind(Buffer.from(text)));
    }
  });

  it('that asks for more work than anybody needs is refused at once', async () => {
    const stanza = (workFactor: string): Buffer =>
      Buffer.from(
        `age-encryption.org/v1\n-> scrypt ${'A'.repeat(22)} ${workFactor}\n${'A'.repeat(43)}\n--- ${'A'.repeat(43)}\n${'A'.repeat(40)}`,
      );
    for (const workFactor of ['21', '30', '64', '018', '0', '-1', '1e9']) {
      const error = await refusal('backupUnreadable', () => readBackup(stanza(workFactor), phrase()));
      assert.match(error.message, /work/);
    }
    // So is a header with more recipients than a person has.
    const recipients = `-> X25519 ${'A'.repeat(43)}\n${'A'.repeat(43)}\n`.repeat(1000);
    const many = Buffer.from(`age-encryption.org/v1\n${recipients}--- ${'A'.repeat(43)}\n${'A'.repeat(40)}`);
    await refusal('backupUnreadable', () => readBackup(many, { identities: identity }));
  });

  it('that somebody else has filled is checked', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const file = await encrypter.encrypt('{"format":2,"product":"mcp-secrets","what":"is new"}');
    await refusal('backupNewer', () => readBackup(file, { identities: identity }));
  });

  it('leaves no values behind, made or not', async () => {
    for (const key of [{ recipients: [recipient] }, { recipients: ['age1nonsense'] }, { recipients: [] }]) {
      const snapshots = [snapshot('TOKEN', ['one', 'two'])];
      await outcomeOf(() => create(snapshots, key));
      assert.ok(snapshots.every(({ versions }) => versions.every(({ value }) => value.every((byte) => byte === 0))));
    }
  });

  it('is not made under a key that is none, and the mistake is explained without repeating it', async () => {
    const mistakes = [identity, 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA', 'age1nonsense', `${recipient}x`, 'somebody', ''];
    for (const mistake of mistakes) {
      const { message } = await refusal('recipientInvalid', () => create([], { recipients: [recipient, mistake] }));
      assert.match(message, /^Recipient 2 /);
      assert.ok(mistake === '' || !message.includes(mistake));
    }
    await refusal('backupFailed', () => create([], { recipients: [] }));
    await refusal('passphraseShort', () => create([], { passphrase: Buffer.from('seven77') }));
  });

  it('an identity file without an identity is refused, and not repeated', async () => {
    const file = await create([], { recipients: [recipient] });
    const mistyped = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`;
    const texts = ['', '# only a comment\n', `-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n`, `${identity}\n${mistyped}\n`, recipient];
    for (const identities of texts) {
      const { message } = await refusal('identityInvalid', () => readBackup(file, { identities }));
      assert.ok(!message.includes('b3Blbn') && !message.includes(identity.slice(16)));
    }
  });
});
