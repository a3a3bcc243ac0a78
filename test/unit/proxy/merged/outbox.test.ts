import assert from 'node:assert/strict';
import { AgentStream } from '../../../../src/proxy/front/agentStream';
import { InnerReply } from '../../../../src/proxy/innerReply';
import { Outbox } from '../../../../src/proxy/merged/outbox';

const MEBI = 1024 * 1024;

/** The two ways to tell something to an agent that has no stream open yet. */
const OUTBOXES = {
  'of one server': () => {
    const outbox = new AgentStream();
    return {
      say: (text: string) => {
        outbox.send(text);
      },
      listen: (reply: InnerReply) => outbox.open(reply),
      end: () => {
        outbox.close();
      },
    };
  },
  'of all servers': () => {
    const outbox = new Outbox();
    return {
      say: (text: string) => {
        outbox.say(text);
      },
      listen: (reply: InnerReply) => outbox.listen(reply),
      end: () => {
        outbox.end();
      },
    };
  },
};

for (const [name, make] of Object.entries(OUTBOXES)) {
  describe(`what waits for the stream of an agent, ${name}`, () => {
    /** What an agent hears that opens its stream now, and closes it. */
    const heard = (outbox: ReturnType<typeof make>): string[] => {
      const texts: string[] = [];
      const reply = new InnerReply({ message: (text) => texts.push(text), over: () => undefined });
      void outbox.listen(reply);
      reply.end();
      return texts;
    };

    it('is told in order, once', () => {
      const outbox = make();
      for (const text of ['1', '2', '3']) outbox.say(text);
      assert.deepEqual(heard(outbox), ['1', '2', '3']);
      assert.deepEqual(heard(outbox), []);
    });

    it('is the newest 256 messages', () => {
      const outbox = make();
      for (let i = 0; i < 300; i += 1) outbox.say(String(i));
      assert.deepEqual(
        heard(outbox),
        Array.from({ length: 256 }, (_, i) => String(i + 44)),
      );
    });

    it('is the newest of them up to 16 Mi characters', () => {
      const outbox = make();
      const large = (digit: string): string => digit.repeat(6 * MEBI);
      for (const text of [large('1'), large('2'), large('3'), '4']) outbox.say(text);
      assert.deepEqual(
        heard(outbox).map(([first]) => first),
        ['2', '3', '4'],
      );
      outbox.say('1'.repeat(17 * MEBI));
      assert.deepEqual(heard(outbox), [], 'one that is too large alone');
      for (const text of [large('5'), large('6')]) outbox.say(text);
      assert.equal(heard(outbox).length, 2, 'what is gone counts no more');
    });

    it('is nothing after the end', () => {
      const outbox = make();
      outbox.say('1');
      outbox.end();
      assert.deepEqual(heard(outbox), []);
    });
  });
}
