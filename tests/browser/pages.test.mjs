// Every page, for everybody who may see it: accessible in both schemes, without sideways scrolling on a telephone and at 200 %, with one
// heading, without an error, and with nothing asked of any other host.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, overflow, picture, signIn, violations, visitor } from './console.mjs';
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
    const kind = path.split('?')[0].replace(/\/[A-Z0-9-]{8,}(?=\/|$)/g, '/ID').replace(/^\/detectors\/.+/, '/detectors/NAME');
    if (!kinds.has(kind)) kinds.set(kind, path);
  }
  for (const kind of ['/assets', '/sign-out']) kinds.delete(kind);
  return [...kinds.entries()].filter(([kind]) => !/[?&]form=/.test(kinds.get(kind)));
}

/** What cannot be pressed since something lies over it. */
async function covered(page) {
  return page.evaluate(() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.closest('.govuk-visually-hidden, .govuk-skip-link') && !one.matches('.govuk-skip-link'))
    .filter((one) => {
      one.scrollIntoView({ block: 'center', inline: 'center' });
      const box = one.getClientRects()[0];
      const top = box && document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return box && top !== one && !one.contains(top) && !top?.contains(one) && top?.closest('label')?.control !== one;
    })
    .map((one) => one.outerHTML.slice(0, 120)));
}

/** Everything that is wrong with a page, in both schemes and four widths; keeps pictures of it. */
async function look(page, path, name) {
  const wrong = [];
  const add = (how, found) => wrong.push(...found.map((one) => `${how}: ${one}`));
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
  const response = await page.goto(path);
  if (response.status() !== 200) return [`status ${response.status()}`];
  const headings = await page.locator('h1').allInnerTexts();
  if (headings.length !== 1 || headings[0].trim() === '') wrong.push(`headings: ${headings}`);
  if ((await page.title()).trim() === '') wrong.push('no title');
  add('empty', await page.evaluate(() => [...document.querySelectorAll('h1, h2, h3, caption, th, button, a[href]')]
    .filter((one) => one.textContent.trim() === '' && !one.hidden && !one.querySelector('img[alt]:not([alt=""])'))
    .map((one) => one.outerHTML.slice(0, 120))));
  add('covered', await covered(page));
  // A word that is not there would stand here as its key.
  add('a key for a word', (await page.evaluate(() => document.body.innerText)).match(/(?<![\w/.@-])(?:hold|holds|mine|parts|frame|people|ledger|policies|overview|breach|report)-[a-z]+(?:-[a-z]+)+(?![\w.@-])/g) ?? []);
  add('light', await violations(page));
  add('wide', await overflow(page));
  await picture(page, name);
  await page.emulateMedia({ colorScheme: 'dark' });
  add('dark', await violations(page));
  await picture(page, `${name}.dark`);
  await page.emulateMedia({ colorScheme: 'light' });
  // 200 % of 1280 pixels is a window of 640; 320 is a telephone, and 400 %.
  await page.setViewportSize({ width: 640, height: 450 });
  add('200 %', await overflow(page));
  await page.setViewportSize({ width: 320, height: 640 });
  add('320 pixels', await overflow(page));
  add('narrow', await violations(page));
  await picture(page, `${name}.narrow`);
  return wrong;
}

const LEAST = { dpo: 12, head: 5, it: 6, auditor: 9, sender: 2 };

for (const role of ['dpo', 'head', 'it', 'auditor', 'sender']) {
  test(`every page of ${role}`, async () => {
    const { context, page, seen } = await visitor(browser, server);
    await signIn(page, server.accounts[role]);
    const kinds = await pages(page);
    assert.ok(kinds.length >= LEAST[role], `${kinds.map(([kind]) => kind)}`);
    const wrong = [];
    for (const [kind, path] of kinds) {
      const name = `${role}${kind.replaceAll('/', '-')}`;
      for (const one of await look(page, path, name)) wrong.push(`${kind}: ${one}`);
    }
    // All of them at once: one run tells everything that is to be mended.
    assert.deepEqual(wrong, []);
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
