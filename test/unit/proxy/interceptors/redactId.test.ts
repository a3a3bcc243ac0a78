import assert from 'node:assert/strict';
import type { Call, Outgoing } from '../../../../src/proxy/call';
import { redact } from '../../../../src/proxy/interceptors/redact';
import { Redactor } from '../../../../src/proxy/interceptors/redactor';

const VALUE = 'the-value-itself';
const redactor = new Redactor([{ name: 'K', value: Buffer.from(VALUE) }]);

describe('the id of an answer', () => {
  const answer = (id: string, fill = ''): string => JSON.stringify({ jsonrpc: '2.0', id, result: { text: VALUE, fill } });
  const shown = async (text: string, call: string | undefined): Promise<unknown> => {
    const about = { server: { name: 's' }, redactor, message: undefined, call: call === undefined ? undefined : ({ id: call } as Call) };
    const clean = await redact((_, own) => own).outgoing?.(text, about as Outgoing);
    return (JSON.parse(clean ?? '') as { id: unknown }).id;
  };

  for (const [size, fill] of [
    ['small', ''],
    ['large', 'x'.repeat(300_000)],
  ] as const) {
    it(`is kept if it is that of the call that is answered, and searched if not: ${size}`, async () => {
      assert.equal(await shown(answer(VALUE, fill), VALUE), VALUE);
      assert.equal(await shown(answer(VALUE, fill), 'another'), '[redacted:K]');
      assert.equal(await shown(answer(VALUE, fill), undefined), '[redacted:K]');
    });
  }
});
