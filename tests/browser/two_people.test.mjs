// What two people release, and what goes by the route that encrypts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { hold } from './mail.mjs';
import { startStrict } from './server.mjs';

let server;
let browser;
let first;
let second;
before(async () => {
  server = await startStrict();
  browser = await launch();
  first = await visitor(browser, server);
  await signIn(first.page, server.accounts.dpo);
  second = await visitor(browser, server);
  await signIn(second.page, server.accounts.dpo2);
});
after(async () => { await browser?.close(); await server?.stop(); });

const CLASS = 'On the trip are Noah Lightfoot, Oliver Whitcombe, Callum McAllister, Grace Hope, Amelia Hartley-Jones and Siobhán O\'Connell.';
const TO = ['office@hillcoaches.example', 'visits@castle-farm.example'];

const open = (page, reference) => page.goto(`/holds/${reference}`);
const notice = (page) => page.locator('.notice').innerText();

async function arrived(list, subject) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = list.filter((one) => one.text.includes(`Subject: ${subject}\r\n`));
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${subject} did not come out`);
}

const out = (subject) => [...server.usual, ...server.encrypting].filter((one) => one.text.includes(`Subject: ${subject}\r\n`));

/** Asks for a release to one of two people. */
async function ask(page, reference) {
  await open(page, reference);
  assert.match(await page.locator('#next').innerText(), /Two people must agree/);
  const release = page.locator('#release');
  await release.getByLabel(TO[0]).uncheck();
  await release.getByLabel('Reason').selectOption({ index: 1 });
  await release.getByLabel('In your own words').fill('The farm plans the rooms.');
  await release.getByRole('button', { name: 'Check before release' }).click();
  assert.match(await page.locator('main').innerText(), /a second person must agree first/);
  await picture(page, 'two-check');
  await page.getByRole('button', { name: 'Ask a second person' }).click();
  assert.match(await notice(page), /A second person must now agree/);
}

test('one asks, cannot agree alone, and another agrees', async () => {
  const subject = 'Class list agreed';
  const reference = await hold(server, { subject, to: TO, text: CLASS });
  await ask(first.page, reference);
  assert.equal(await first.page.locator('#approve').count(), 0, 'the one who asked cannot agree');
  await isAccessible(first.page, 'asked');
  await picture(first.page, 'two-asked');
  assert.deepEqual(out(subject), []);
  // Not by hand either.
  const form = await first.page.evaluate(() => ({
    csrf: document.querySelector('input[name=csrf]').value, version: document.querySelector('input[name=version]').value,
    path: document.querySelector('form[action$="/withdraw"]').getAttribute('action').replace('withdraw', 'approve'),
  }));
  const forged = await first.page.request.post(form.path, {
    headers: { origin: server.url }, form: { csrf: form.csrf, version: form.version, reason: 'entitled', text: 'x' }, maxRedirects: 0,
  });
  assert.ok(forged.status() >= 400, `${forged.status()}`);
  assert.deepEqual(out(subject), []);
  await second.page.goto('/');
  await isAccessible(second.page, 'overview with a request');
  await picture(second.page, 'two-overview');
  await second.page.getByRole('link', { name: /second person|for you|Decide|See/i }).first().waitFor();
  await open(second.page, reference);
  const said = await second.page.locator('main').innerText();
  assert.match(said, /Dana Obuya asks for its release: do you agree\?/);
  assert.match(said, /The farm plans the rooms\./);
  assert.match(said, /visits@castle-farm\.example/);
  await isAccessible(second.page, 'to agree');
  await picture(second.page, 'two-agree');
  await second.page.locator('#approve').getByRole('button').click();
  assert.match(await second.page.locator('.govuk-error-summary').innerText(), /Choose a reason/);
  await second.page.locator('#approve').getByLabel('Reason').selectOption({ index: 1 });
  await second.page.locator('#approve').getByRole('button').click();
  assert.match(await notice(second.page), /Agreed\. The message is on its way\./);
  const [message] = await arrived(server.usual, subject);
  assert.deepEqual(message.to, [TO[1]]);
  assert.equal(out(subject).length, 1);
  await picture(second.page, 'two-released');
});

test('another declines, and it keeps waiting', async () => {
  const subject = 'Class list declined';
  const reference = await hold(server, { subject, to: TO, text: CLASS });
  await ask(first.page, reference);
  await open(second.page, reference);
  await second.page.locator('#decline').getByLabel('Why not?').fill('The farm does not need names.');
  await second.page.locator('#decline').getByRole('button').click();
  assert.match(await notice(second.page), /Declined\. The message keeps waiting\./);
  await open(first.page, reference);
  assert.match(await first.page.locator('main').innerText(), /The farm does not need names\./);
  assert.equal(await first.page.locator('#release').count(), 1);
  assert.deepEqual(out(subject), []);
});

test('the one who asked takes it back', async () => {
  const subject = 'Class list taken back';
  const reference = await hold(server, { subject, to: TO, text: CLASS });
  await ask(first.page, reference);
  await first.page.getByRole('button', { name: 'Take my request back' }).click();
  assert.match(await notice(first.page), /Your request is taken back/);
  await open(second.page, reference);
  assert.equal(await second.page.locator('#approve').count(), 0);
  assert.deepEqual(out(subject), []);
});

test('agreed to while it was being taken back: the second is told', async () => {
  const reference = await hold(server, { subject: 'Class list too late', to: TO, text: CLASS });
  await ask(first.page, reference);
  await open(second.page, reference);
  await first.page.getByRole('button', { name: 'Take my request back' }).click();
  await second.page.locator('#approve').getByLabel('Reason').selectOption({ index: 1 });
  await second.page.locator('#approve').getByRole('button').click();
  assert.match(await notice(second.page), /Nothing of yours was done/);
  assert.deepEqual(out('Class list too late'), []);
});

test('messages for two people are not released together', async () => {
  for (const subject of ['Pupils one', 'Pupils two']) await hold(server, { subject, to: TO, text: CLASS });
  const { page } = first;
  await page.goto('/holds?order=newest');
  for (const subject of ['Pupils one', 'Pupils two']) await page.locator('tbody tr', { hasText: subject }).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Decide the chosen messages together' }).click();
  assert.match(await page.locator('main').innerText(), /needs two people/);
  assert.equal(await page.getByLabel('Release them as they are').count(), 0);
  await page.getByLabel('Refuse them and tell nobody').check();
  await page.getByLabel('Reason').selectOption({ label: 'It goes to the wrong person' });
  await page.getByLabel('Type 2 to confirm').fill('2');
  await page.getByRole('button', { name: 'Decide 2 messages' }).click();
  assert.match(await page.locator('main').innerText(), /2 of 2 messages are decided/);
});

test('released by the route that encrypts only', async () => {
  const subject = 'By the safe route';
  const reference = await hold(server, { subject });
  const { page } = first;
  await open(page, reference);
  await page.locator('#release').getByLabel('Send it only by the route that encrypts').check();
  await page.locator('#release').getByLabel('Reason').selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Check before release' }).click();
  assert.match(await page.locator('main').innerText(), /Only by the route that encrypts/);
  await page.getByRole('button', { name: 'Release this message' }).click();
  assert.match(await notice(page), /Released/);
  const [message] = await arrived(server.encrypting, subject);
  assert.deepEqual(message.to, ['office@hillcoaches.example']);
  assert.deepEqual(server.usual.filter((one) => one.text.includes(subject)), []);
});
