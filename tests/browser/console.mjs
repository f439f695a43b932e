// A browser at the console: signing in, looking, measuring accessibility, keeping pictures.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { code, step } from './totp.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = process.env.BEADLE_PICTURES ?? 'target/browser';
mkdirSync(PICTURES, { recursive: true });

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

/** A context of its own that records every request it makes, and every error on its pages. */
export async function visitor(browser, server, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const seen = { requests: [], errors: [], dialogs: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') seen.errors.push(message.text()); });
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  return { context, page, seen };
}

/** Signs in as somebody does who has an authenticator app: a code is good once, so the next one may be waited for. */
export async function signIn(page, account, next = '/') {
  while (step() <= account.used) await new Promise((resolve) => setTimeout(resolve, 500));
  account.used = step();
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel('Login').fill(account.login);
  await page.getByLabel('Password').fill(account.password);
  await page.getByLabel('Code').fill(code(account.secret, account.used));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
}

/** What axe-core finds on the page as it is. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(
    { exclude: [['iframe']] },
    { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] },
  ));
  return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join(' | ')}`);
}

export async function isAccessible(page, what) {
  assert.deepEqual(await violations(page), [], what);
}

/** What sticks out sideways, so that the page itself would scroll; nothing where all fits. */
export async function overflow(page) {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth + 1) return [];
    const held = (element) => element.parentElement?.closest('.table-scroll, pre, textarea, .mainnav__list');
    const out = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > clientWidth + 1 && !held(element));
    const name = (element) => `${element.localName}.${element.className}`;
    return [`${scrollWidth} pixels in a window of ${clientWidth}: ${out.slice(0, 6).map(name).join(', ')}`];
  });
}

export async function fits(page, what) {
  assert.deepEqual(await overflow(page), [], what);
}

export async function picture(page, name) {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
