// Signing in and out, and what must not work.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { start } from './server.mjs';
import { code, step } from './totp.mjs';

let server;
let browser;
before(async () => { server = await start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

test('by keyboard alone, from the first key to the last', async () => {
  const { context, page } = await visitor(browser, server);
  const account = server.accounts.dpo;
  await page.goto('/holds');
  await page.waitForURL(/\/sign-in\?next=/);
  await isAccessible(page, 'sign-in');
  await picture(page, 'sign-in');
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  const reach = async (wanted) => {
    for (let tries = 0; tries < 30; tries += 1) {
      await page.keyboard.press('Tab');
      if ((await focused()) === wanted) return;
    }
    assert.fail(`no key leads to ${wanted}`);
  };
  await reach('login');
  await page.keyboard.type(account.login);
  await reach('password');
  await page.keyboard.type(account.password);
  await reach('code');
  account.used = step();
  await page.keyboard.type(code(account.secret, account.used));
  await page.keyboard.press('Enter');
  await page.waitForURL(`${server.url}/holds`);
  await reach('Sign out');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/sign-in\?done=signed-out/);
  await context.close();
});

test('a wrong code, a used code and a wrong login are told alike', async () => {
  const { context, page } = await visitor(browser, server);
  const account = server.accounts.dpo2;
  const said = async (login, password, one) => {
    await page.goto('/sign-in');
    await page.getByLabel('Login').fill(login);
    await page.getByLabel('Password').fill(password);
    await page.getByLabel('Code').fill(one);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return page.locator('.govuk-error-summary').innerText();
  };
  await signIn(page, account);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  const used = await said(account.login, account.password, code(account.secret, account.used));
  const wrong = await said(account.login, 'not this one at all', '000000');
  const nobody = await said('nobody', account.password, '000000');
  assert.equal(used, wrong);
  assert.equal(wrong, nobody);
  await isAccessible(page, 'sign-in with an error');
  await picture(page, 'sign-in-error');
  await context.close();
});

test('after five wrong tries the account waits, for this client', async () => {
  const { context, page } = await visitor(browser, server);
  for (let tries = 0; tries < 5; tries += 1) {
    await page.goto('/sign-in');
    await page.getByLabel('Login').fill('auditor');
    await page.getByLabel('Password').fill('guess');
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  await page.goto('/sign-in');
  await page.getByLabel('Login').fill('auditor');
  await page.getByLabel('Password').fill(server.accounts.auditor.password);
  await page.getByLabel('Code').fill(code(server.accounts.auditor.secret));
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match(await page.locator('h1').innerText(), /Too many tries/);
  await context.close();
});

test('no page of another site can send a form of ours', async () => {
  const { context, page } = await visitor(browser, server);
  await signIn(page, server.accounts.it);
  const cookies = await context.cookies();
  assert.ok(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite === 'Lax'));
  const from = await page.request.post('/sign-out', {
    headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, form: { csrf: 'x' }, maxRedirects: 0,
  });
  assert.equal(from.status(), 403);
  const bare = await page.request.post('/sign-out', { headers: { origin: server.url }, form: {}, maxRedirects: 0 });
  assert.equal(bare.status(), 403);
  await page.goto('/account');
  assert.equal(await page.locator('h1').innerText(), 'Your account');
  await context.close();
});

test('signing out everywhere ends the other browser too', async () => {
  const one = await visitor(browser, server);
  const other = await visitor(browser, server);
  await signIn(one.page, server.accounts.head);
  await signIn(other.page, server.accounts.head);
  await one.page.goto('/account');
  await one.page.getByRole('button', { name: 'Sign out everywhere', exact: true }).click();
  await one.page.waitForURL(/\/sign-in/);
  await other.page.goto('/account');
  await other.page.waitForURL(/\/sign-in/);
  await one.context.close();
  await other.context.close();
});
