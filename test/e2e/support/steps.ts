/** For tests that build on each other: after the first failure the others are skipped, and a picture is kept. */
export function inSteps(picture: (name: string) => Promise<unknown>): void {
  let failed: string | undefined;

  beforeEach(function () {
    if (failed !== undefined) this.skip();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    failed ??= this.currentTest.title;
    await picture(`failed-${this.currentTest.title.replace(/\W+/g, '-').slice(0, 60)}`).catch(() => undefined);
  });
}
