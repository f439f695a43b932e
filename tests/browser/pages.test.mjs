// Every page, for everybody who may see it: accessible in both schemes, without sideways scrolling on a telephone and at 200 %, with one
// heading, without an error, and with nothing asked of any other host.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fits, isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { start } from './server.mjs';

let server;
let browser;
before(async () => { server = await start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

/** The pages of a role: what its navigation leads to, and what those pages lead to within the console, one step on. */
async function pages(page) {
  const links = async () => page.evaluate(() => [...document.querySelectorAll('a[href^="/"]')]
    .filter((link) => !link.hasAttribute('download'))
    .map((link) => link.getAttribute('href').split('#')[0]));
  const seen = new Set(['/', '/account']);
  for (const path of await links()) seen.add(path);
  for (const path of [...seen]) {
    await page.goto(path);
    for (const further of await links()) seen.add(further);
  }
  // One page of each kind is enough: the ids differ, the page does not.
  const kinds = new Map();
  for (const path of seen) {
    const kind = path.split('?')[0].replace(/\/[A-Z0-9-]{8,}(?=\/|$)/g, '/ID');
    if (!kinds.has(kind)) kinds.set(kind, path);
  }
  for (const kind of ['/assets', '/sign-out']) kinds.delete(kind);
  return [...kinds.entries()].filter(([kind]) => !/[?&]form=/.test(kinds.get(kind)));
}

const LEAST = { dpo: 12, head: 5, it: 6, auditor: 9, sender: 2 };

for (const role of ['dpo', 'head', 'it', 'auditor', 'sender']) {
  test(`every page of ${role}`, async () => {
    const { context, page, seen } = await visitor(browser, server);
    await signIn(page, server.accounts[role]);
    const kinds = await pages(page);
    assert.ok(kinds.length >= LEAST[role], `${kinds.map(([kind]) => kind)}`);
    for (const [kind, path] of kinds) {
      const what = `${role} ${kind}`;
      const name = `${role}${kind.replaceAll('/', '-')}`;
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.emulateMedia({ colorScheme: 'light' });
      const response = await page.goto(path);
      assert.equal(response.status(), 200, what);
      assert.equal(await page.locator('h1').count(), 1, `${what}: headings`);
      assert.notEqual(await page.title(), '', what);
      await isAccessible(page, `${what}, light`);
      await fits(page, `${what}, wide`);
      await picture(page, name);
      await page.emulateMedia({ colorScheme: 'dark' });
      await isAccessible(page, `${what}, dark`);
      await picture(page, `${name}.dark`);
      await page.emulateMedia({ colorScheme: 'light' });
      // 200 % of 1280 pixels is a window of 640; 320 is a telephone, and 400 %.
      await page.setViewportSize({ width: 640, height: 450 });
      await fits(page, `${what}, 200 %`);
      await page.setViewportSize({ width: 320, height: 640 });
      await fits(page, `${what}, 320 pixels`);
      await isAccessible(page, `${what}, narrow`);
      await picture(page, `${name}.narrow`);
    }
    assert.deepEqual(seen.errors, [], role);
    assert.deepEqual(seen.dialogs, [], role);
    assert.deepEqual(seen.requests.filter((url) => !url.startsWith(server.url)), [], role);
    await context.close();
  });
}

test('every page without its script', async () => {
  const { context, page } = await visitor(browser, server, { javaScriptEnabled: false });
  await signIn(page, server.accounts.dpo);
  for (const [kind, path] of [['/', '/'], ['/holds', '/holds'], ['/reports/summary', '/reports/summary'], ['/account', '/account']]) {
    await page.goto(path);
    assert.equal(await page.locator('h1').count(), 1, kind);
  }
  await context.close();
});

test('the first page weighs less than 100 KB in all', async () => {
  const { context, page } = await visitor(browser, server);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  let bytes = 0;
  devtools.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await page.goto('/sign-in');
  await page.waitForLoadState('networkidle');
  assert.ok(bytes > 1_000 && bytes < 100_000, `sign-in: ${bytes} bytes`);
  await signIn(page, server.accounts.dpo2);
  bytes = 0;
  await devtools.send('Network.clearBrowserCache');
  await page.goto('/');
  await page.waitForTimeout(500);
  assert.ok(bytes > 1_000 && bytes < 100_000, `first page: ${bytes} bytes`);
  console.log(`first page: ${bytes} bytes in all`);
  await context.close();
});
