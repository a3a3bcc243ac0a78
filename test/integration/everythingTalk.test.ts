import assert from 'node:assert/strict';
import type { TestClient } from './support/client';
import { until } from './support/eventually';
import { Everything } from './support/everything';

for (const transport of ['stdio', 'http'] as const) {
  describe(`server-everything by ${transport}: both sides speak`, function () {
    this.timeout(120_000);
    const everything = new Everything(transport);
    let proxied: TestClient;

    before(async () => {
      await everything.start();
      proxied = await everything.proxied();
    });

    after(() => everything.stop());

    it('progress reaches the caller, in order, and keeps the call alive', async () => {
      const progress: number[] = [];
      const result = await proxied.client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 6, steps: 12 } },
        undefined,
        // Shorter than the call, much longer than a step.
        { onprogress: (update) => void progress.push(update.progress), timeout: 5_000, resetTimeoutOnProgress: true },
      );
      assert.deepEqual(
        progress,
        Array.from({ length: 12 }, (_, i) => i + 1),
      );
      assert.match(JSON.stringify(result.content), /completed. Duration: 6 seconds, Steps: 12/);
    });

    it('progress of several calls at once reaches each its own', async () => {
      const heard = await Promise.all(
        [2, 3, 4].map(async (steps) => {
          const totals: unknown[] = [];
          await proxied.client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 0.5, steps } }, undefined, {
            onprogress: ({ total }) => void totals.push(total),
          });
          return totals;
        }),
      );
      assert.deepEqual(heard, [
        [2, 2],
        [3, 3, 3],
        [4, 4, 4, 4],
      ]);
    });

    it('the server asks for sampling, and uses the answer', async () => {
      const text = await proxied.text('trigger-sampling-request', { prompt: 'say something', maxTokens: 9 });
      assert.match(text, /the sampled words/);
      assert.match(JSON.stringify(proxied.sampled.at(-1)), /trigger-sampling-request context: say something.*"maxTokens":9/);
    });

    it('the server asks for sampling as a task, and uses the answer', async () => {
      const text = await proxied
        .text('trigger-sampling-request-async', { prompt: 'slowly', maxTokens: 9 })
        .catch((error: unknown) => String(error));
      const direct = await everything.direct();
      const expected = await direct
        .text('trigger-sampling-request-async', { prompt: 'slowly', maxTokens: 9 })
        .catch((error: unknown) => String(error));
      assert.equal(text, expected);
    });

    it('the server asks the user: accepted, declined, cancelled', async () => {
      proxied.elicitAnswer = { action: 'accept', content: { name: 'Ada', check: true, untitledMultipleSelectEnum: ['Drums'] } };
      const accepted = await proxied.client.callTool({ name: 'trigger-elicitation-request', arguments: {} });
      assert.match(JSON.stringify(accepted), /Name: Ada/);
      assert.match(JSON.stringify(accepted), /Drums/);
      assert.match(JSON.stringify(proxied.elicitations.at(-1)), /Your full, legal name/);
      proxied.elicitAnswer = { action: 'decline' };
      assert.match(JSON.stringify(await proxied.client.callTool({ name: 'trigger-elicitation-request', arguments: {} })), /declined/);
      proxied.elicitAnswer = { action: 'cancel' };
      assert.match(JSON.stringify(await proxied.client.callTool({ name: 'trigger-elicitation-request', arguments: {} })), /cancelled/);
    });

    it('the server asks for roots, and again when they change', async () => {
      assert.match(await proxied.text('get-roots-list'), /1\. first\n {3}URI: file:\/\/\/first/);
      proxied.roots = [
        { uri: 'file:///second', name: 'second' },
        { uri: 'file:///third', name: 'third' },
      ];
      const seen = proxied.logs.length;
      await proxied.client.sendRootsListChanged();
      await until('the server has read the roots again', () =>
        proxied.logs.slice(seen).some(({ data }) => String(data).includes('2 root(s)')),
      );
      assert.match(await proxied.text('get-roots-list'), /second[^]*third/);
    });

    it('a subscription brings updates, until it ends', async () => {
      const uri = 'demo://resource/dynamic/text/1';
      await proxied.client.subscribeResource({ uri });
      await proxied.text('toggle-subscriber-updates');
      await until('an update', () => proxied.updated.includes(uri));
      await proxied.client.unsubscribeResource({ uri });
      assert.match(await proxied.text('toggle-subscriber-updates'), /Stopped/);
    });

    it('the log level is set, and log messages arrive', async () => {
      await proxied.client.setLoggingLevel('debug');
      const seen = proxied.logs.length;
      await proxied.text('toggle-simulated-logging');
      await until('a log message', () => proxied.logs.slice(seen).some(({ data }) => /-level|level-/.test(String(data))));
      assert.match(await proxied.text('toggle-simulated-logging'), /Stopped/);
    });

    it('a new resource is announced and can be read', async () => {
      const before = proxied.listChanges;
      const result = await proxied.client.callTool({
        name: 'gzip-file-as-resource',
        arguments: { name: 'small.gz', data: 'data:text/plain,hello', outputType: 'resourceLink' },
      });
      const [link] = result.content as { type: string; uri: string }[];
      assert.equal(link?.type, 'resource_link');
      await until('list_changed', () => proxied.listChanges > before);
      const { contents } = await proxied.client.readResource({ uri: link.uri });
      assert.ok('blob' in (contents[0] ?? {}));
    });

    it('a call is cancelled: it ends here, and the next ones work', async () => {
      const controller = new AbortController();
      const progress: number[] = [];
      const call = proxied.client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 200 } }, undefined, {
        signal: controller.signal,
        onprogress: (update) => {
          progress.push(update.progress);
          if (update.progress === 2) controller.abort(new Error('enough'));
        },
      });
      await assert.rejects(call, /enough/);
      assert.equal(await proxied.text('echo', { message: 'still here' }), 'Echo: still here');
      const [line] = await everything.place.audited(
        1,
        (entry) => entry.tool === 'trigger-long-running-operation' && entry.outcome === 'error',
      );
      assert.equal(line?.errorKind, 'cancelled');
    });

    it('two agents have sessions of their own', async () => {
      const other = await everything.proxied({ roots: { listChanged: true } });
      other.roots = [{ uri: 'file:///other', name: 'other' }];
      await until('its roots', async () => (await other.text('get-roots-list')).includes('file:///other'));
      assert.doesNotMatch(await proxied.text('get-roots-list'), /other/);
      const { tools } = await other.client.listTools();
      assert.ok(!tools.some(({ name }) => name === 'trigger-sampling-request'), 'its capabilities are its own');
    });
  });
}
