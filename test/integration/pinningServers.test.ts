import assert from 'node:assert/strict';
import { flagsOf } from '../../src/bindings/toolFlags';
import { TestClient } from './support/client';
import { serverScript } from './support/programs';
import { Workplace } from './support/workplace';

/** Servers that many people use. Nothing about them is suspicious. */
const SERVERS: Readonly<Record<string, (place: Workplace) => string[]>> = {
  everything: () => [serverScript('everything'), 'stdio'],
  filesystem: ({ workspace }) => [serverScript('filesystem'), workspace],
};

describe('well-known servers', function () {
  this.timeout(60_000);
  const place = new Workplace();

  after(() => place.close());

  for (const [name, command] of Object.entries(SERVERS))
    it(`nothing of ${name} is suspicious or kept back`, async () => {
      await place.addStdio(name, [process.execPath, ...command(place)]);
      const direct = await TestClient.stdio(process.execPath, command(place), place.workspace);
      const serving = await place.serve();
      const proxied = await TestClient.proxied(serving, name);
      try {
        const { tools } = await direct.client.listTools();
        assert.ok(tools.length > 5);
        for (const tool of tools) assert.deepEqual(flagsOf(tool), [], tool.name);
        assert.deepEqual(flagsOf(direct.client.getInstructions() ?? ''), []);
        if (direct.client.getServerCapabilities()?.prompts !== undefined)
          assert.deepEqual(flagsOf((await direct.client.listPrompts()).prompts), []);
        if (direct.client.getServerCapabilities()?.resources !== undefined)
          assert.deepEqual(flagsOf((await direct.client.listResources()).resources), []);
        for (let i = 0; i < 2; i += 1) assert.deepEqual((await proxied.client.listTools()).tools, tools);
        assert.deepEqual(proxied.client.getInstructions(), direct.client.getInstructions());
        assert.match(await place.ok(['tools', 'review', name]), /^Nothing of/);
      } finally {
        await direct.close();
        await proxied.close();
        await serving.stop();
      }
    });
});
