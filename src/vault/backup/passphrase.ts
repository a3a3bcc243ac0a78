import { randomBytes, scrypt } from 'node:crypto';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { Stanza } from 'age-encryption';
import type { Identity, Recipient } from 'age-encryption';

const LABEL = 'age-encryption.org/v1/scrypt';
const SALT_BYTES = 16;
/** 2^18: about a second of work and 256 MiB, as `age` has it. */
const WORK_FACTOR = 18;
/** 2^20 takes 1 GiB. More than that is asked for by nobody but an attacker. */
const MAX_WORK_FACTOR = 20;
/** Each file key is wrapped under a key of its own, so the nonce is fixed. */
const NONCE = new Uint8Array(12);

/**
 * The scrypt recipient of age (C2SP age, "The scrypt recipient type"). age-encryption has one, too: it computes in
 * JavaScript, which halts everything else in the process meanwhile, and takes the passphrase as a string, which cannot
 * be overwritten.
 */
export class PassphraseRecipient implements Recipient {
  readonly #passphrase: Buffer;

  constructor(passphrase: Buffer) {
    this.#passphrase = passphrase;
  }

  async wrapFileKey(fileKey: Uint8Array): Promise<Stanza[]> {
    const salt = randomBytes(SALT_BYTES);
    const key = await stretched(this.#passphrase, salt, WORK_FACTOR);
    const body = chacha20poly1305(key, NONCE).encrypt(fileKey);
    key.fill(0);
    return [new Stanza(['scrypt', unpadded(salt), String(WORK_FACTOR)], body)];
  }
}

/** Opens what `PassphraseRecipient` or `age -p` has closed. */
export class PassphraseIdentity implements Identity {
  readonly #passphrase: Buffer;

  constructor(passphrase: Buffer) {
    this.#passphrase = passphrase;
  }

  /** Throws if there is a stanza for a passphrase and it is malformed, not alone, or asks for too much work. */
  async unwrapFileKey(stanzas: Stanza[]): Promise<Uint8Array | null> {
    const stanza = stanzas.find(({ args: [type] }) => type === 'scrypt');
    if (stanza === undefined) return null;
    const [, saltText = '', work = '', ...more] = stanza.args;
    const salt = Buffer.from(saltText, 'base64');
    const whole = salt.length === SALT_BYTES && unpadded(salt) === saltText && stanza.body.length === 32 && more.length === 0;
    if (stanzas.length !== 1 || !whole || !/^[1-9][0-9]?$/.test(work) || Number(work) > MAX_WORK_FACTOR)
      throw new Error('invalid scrypt stanza');
    const key = await stretched(this.#passphrase, salt, Number(work));
    try {
      return chacha20poly1305(key, NONCE).decrypt(stanza.body);
    } catch {
      return null;
    } finally {
      key.fill(0);
    }
  }
}

function stretched(passphrase: Buffer, salt: Buffer, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.concat([Buffer.from(LABEL), salt]), 32, { N, r: 8, p: 1, maxmem: 1024 * N + 2 ** 20 }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

/** Base64 without `=` at its end, as age headers have it. */
function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
