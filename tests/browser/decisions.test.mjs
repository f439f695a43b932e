// Every decision on a held message, made in a browser as a reviewer makes it, and what it did: exactly what was chosen went out, to exactly
// those who were chosen, and the ledger says who did it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { arrives, delivered, hold } from './mail.mjs';
import { start } from './server.mjs';

let server;
let browser;
let dpo;
let other;
before(async () => {
  server = await start();
  browser = await launch();
  dpo = await visitor(browser, server);
  await signIn(dpo.page, server.accounts.dpo);
  other = await visitor(browser, server);
  await signIn(other.page, server.accounts.dpo2);
});
after(async () => { await browser?.close(); await server?.stop(); });

const OUTSIDE = ['office@hillcoaches.example', 'visits@castle-farm.example'];

const open = (page, reference) => page.goto(`/holds/${reference}`);
const notice = (page) => page.locator('.notice').innerText();
const state = (page) => page.locator('h1 + p .govuk-tag').first().innerText();

/** Fills the form of a release; what it would do is on the page that comes. */
async function choose(page, { reason = 'They may have it: it is needed for their work', text, only, form, leaveOut, encrypt, judgement } = {}) {
  const release = page.locator('#release');
  for (const box of only ? await release.locator('input[name=to]').all() : []) await box.uncheck();
  for (const address of only ?? []) await release.getByLabel(address).check();
  if (form) await release.getByLabel(form).check();
  for (const name of leaveOut ?? []) await release.getByLabel(name, { exact: true }).check();
  if (encrypt) await release.getByLabel('Send it only by the route that encrypts').check();
  await release.getByLabel('Reason').selectOption({ index: 1 });
  if (text) await release.getByLabel('In your own words').fill(text);
  if (judgement) await release.getByLabel(judgement, { exact: true }).check();
  await release.getByRole('button', { name: 'Check before release' }).click();
  assert.equal(await page.locator('h1').innerText(), 'Check before release', reason);
}

async function release(page, choices) {
  await choose(page, choices);
  await page.getByRole('button', { name: 'Release this message' }).click();
  assert.match(await notice(page), /Released\. The message is on its way\./);
  assert.match(await state(page), /Released/i);
}

/** What the ledger page says of a hold, newest first: who did what. */
async function ledger(page, reference) {
  await open(page, reference);
  const id = await page.evaluate(() => document.querySelector('form[action^="/holds/"]')?.getAttribute('action').split('/')[2]);
  await page.goto('/ledger');
  await page.getByLabel('On which message, policy or account').fill(id ?? reference);
  await page.locator('form.filter').getByRole('button').click();
  const rows = await page.locator('tbody tr').all();
  return Promise.all(rows.map(async (row) => (await row.innerText()).replace(/\s+/g, ' ')));
}

async function entered(page, reference, who, what) {
  const rows = await ledger(page, reference);
  assert.ok(rows.some((row) => row.includes(who) && row.includes(what)), `${who}, ${what}: ${rows.join('\n')}`);
}

test('released as it is, to everybody it was for', async () => {
  const subject = 'As it is';
  const reference = await hold(server, { subject, to: OUTSIDE });
  const { page } = dpo;
  await open(page, reference);
  await choose(page, { judgement: 'Yes' });
  await isAccessible(page, 'check before release');
  await picture(page, 'decide-check');
  assert.match(await page.locator('main').innerText(), /2 people/);
  assert.deepEqual(delivered(server, subject), [], 'nothing leaves before it is confirmed');
  await page.getByRole('button', { name: 'Release this message' }).click();
  assert.match(await notice(page), /Released/);
  await isAccessible(page, 'released');
  await picture(page, 'decide-released');
  const found = await arrives(server, subject);
  assert.deepEqual(found.flatMap((one) => one.to).sort(), OUTSIDE);
  assert.match(found[0].text, /The coach for Noah Lightfoot leaves at nine\./);
  await entered(page, reference, server.accounts.dpo.name, 'Released');
});

test('released to fewer people', async () => {
  const subject = 'To one of two';
  const reference = await hold(server, { subject, to: OUTSIDE });
  const { page } = dpo;
  await open(page, reference);
  await choose(page, { only: [OUTSIDE[1]] });
  const said = await page.locator('main').innerText();
  assert.match(said, /It goes to 1 of 2 people/);
  assert.match(said, /Does not get it\s+office@hillcoaches\.example/);
  await page.getByRole('button', { name: 'Release this message' }).click();
  const found = await arrives(server, subject);
  assert.deepEqual(found.flatMap((one) => one.to), [OUTSIDE[1]]);
  await entered(page, reference, server.accounts.dpo.name, 'Released');
});

test('released without an attachment', async () => {
  const subject = 'Without the list';
  const files = [{ name: 'list.txt', content: 'Noah Lightfoot, room 4' }, { name: 'map.txt', content: 'The farm is by the river.' }];
  const reference = await hold(server, { subject, text: 'The map is attached.', files });
  const { page } = dpo;
  await open(page, reference);
  await release(page, { form: 'The message without the attachments ticked below', leaveOut: ['list.txt'] });
  const [{ text, to }] = await arrives(server, subject);
  assert.deepEqual(to, ['office@hillcoaches.example']);
  assert.ok(!text.includes('Noah Lightfoot'), 'the list is out');
  assert.match(text, /The farm is by the river\./);
  assert.match(text, /^X-Beadle-Changed:/m);
});

test('released with initials', async () => {
  const subject = 'With initials';
  const reference = await hold(server, { subject });
  const { page } = dpo;
  await open(page, reference);
  await choose(page, { form: 'The message with initials for pupils’ names' });
  assert.match(await page.locator('main').innerText(), /1 name becomes initials\. Your policy would let this version go\./);
  await picture(page, 'decide-initials');
  await page.getByRole('button', { name: 'Release this message' }).click();
  const [{ text }] = await arrives(server, subject);
  assert.ok(!/Noah|Lightfoot/.test(text), text);
  assert.match(text, /The coach for N\.? ?L\.? leaves at nine\./);
});

test('a form that is not filled in is shown again, with what was typed', async () => {
  const reference = await hold(server, { subject: 'Not filled in', to: OUTSIDE });
  const { page } = dpo;
  await open(page, reference);
  await page.locator('#release').getByLabel('In your own words').fill('They asked for it.');
  await page.locator('#release').getByLabel(OUTSIDE[0]).uncheck();
  await page.getByRole('button', { name: 'Check before release' }).click();
  assert.match(await page.locator('.govuk-error-summary').innerText(), /Choose a reason/);
  assert.equal(await page.locator('#release').getByLabel('In your own words').inputValue(), 'They asked for it.');
  assert.equal(await page.locator('#release').getByLabel(OUTSIDE[0]).isChecked(), false);
  assert.ok(await page.evaluate(() => document.activeElement.matches('.govuk-error-summary')), 'the error has the focus');
  await isAccessible(page, 'with an error');
  await picture(page, 'decide-error');
  for (const box of await page.locator('#release input[name=to]').all()) await box.uncheck();
  await page.locator('#release').getByLabel('Reason').selectOption({ index: 1 });
  await page.getByRole('button', { name: 'Check before release' }).click();
  assert.match(await page.locator('.govuk-error-summary').innerText(), /Choose at least one person/);
});

test('refused, and the sender is told', async () => {
  const subject = 'Refused and told';
  const reference = await hold(server, { subject });
  const { page } = dpo;
  await open(page, reference);
  const refuse = page.locator('#refuse');
  await refuse.getByLabel('Reason').selectOption({ label: 'It goes to the wrong person' });
  await refuse.getByLabel('In your own words').fill('Send it to the school nurse.');
  await refuse.getByLabel('Yes, with your words').check();
  await refuse.getByRole('button', { name: 'Refuse this message' }).click();
  assert.match(await notice(page), /the sender is being told/);
  assert.match(await state(page), /Refused/i);
  await entered(page, reference, server.accounts.dpo.name, 'Refused by a reviewer');
  assert.deepEqual(delivered(server, subject), []);
});

test('refused, and nobody is told', async () => {
  const subject = 'Refused in silence';
  const reference = await hold(server, { subject });
  const { page } = dpo;
  await open(page, reference);
  const refuse = page.locator('#refuse');
  await refuse.getByLabel('Reason').selectOption({ label: 'It goes to the wrong person' });
  await refuse.getByLabel('No', { exact: true }).first().check();
  await refuse.getByRole('button', { name: 'Refuse this message' }).click();
  assert.match(await notice(page), /nobody was told/);
  assert.equal(await page.locator('#release').count(), 0, 'it is decided');
  assert.deepEqual(delivered(server, subject), []);
});

test('taken, given back, taken over', async () => {
  const reference = await hold(server, { subject: 'Taken' });
  await open(dpo.page, reference);
  await dpo.page.getByRole('button', { name: 'Tell others that I am looking at it' }).click();
  assert.match(await notice(dpo.page), /You have this message for 30 minutes/);
  await open(other.page, reference);
  assert.equal(await other.page.locator('#release').count(), 0, 'somebody else has it');
  assert.match(await other.page.locator('#next').innerText(), /is looking at this message/);
  await isAccessible(other.page, 'taken by another');
  await picture(other.page, 'decide-taken');
  await dpo.page.getByRole('button', { name: 'Give it back to the others' }).click();
  assert.match(await notice(dpo.page), /Given back/);
  await dpo.page.getByRole('button', { name: 'Tell others that I am looking at it' }).click();
  await open(other.page, reference);
  await other.page.getByRole('button', { name: 'Take it over' }).click();
  assert.match(await notice(other.page), /You have this message/);
  await open(dpo.page, reference);
  assert.equal(await dpo.page.locator('#release').count(), 0);
  await entered(other.page, reference, server.accounts.dpo2.name, 'Taken by a reviewer');
});

test('two browsers decide: the second is told who was first, and does nothing', async () => {
  const subject = 'Twice';
  const reference = await hold(server, { subject });
  await open(dpo.page, reference);
  await open(other.page, reference);
  await choose(other.page);
  const refuse = dpo.page.locator('#refuse');
  await refuse.getByLabel('Reason').selectOption({ index: 1 });
  await refuse.getByLabel('No', { exact: true }).first().check();
  await refuse.getByRole('button', { name: 'Refuse this message' }).click();
  await other.page.getByRole('button', { name: 'Release this message' }).click();
  const said = await notice(other.page);
  assert.match(said, /was first\. The message is now: Refused\. Nothing of yours was done\./);
  assert.ok(said.includes(server.accounts.dpo.name), said);
  await isAccessible(other.page, 'who was first');
  await picture(other.page, 'decide-second');
  assert.deepEqual(delivered(server, subject), []);
});

test('kept for a case, and kept no longer', async () => {
  const reference = await hold(server, { subject: 'For a case' });
  const { page } = dpo;
  await open(page, reference);
  await page.getByText('Keep it for a case (legal hold)').click();
  await page.getByLabel('Reference of the case').fill('Case 12 of 2026');
  await page.getByRole('button', { name: 'Keep it', exact: true }).click();
  assert.match(await notice(page), /kept for the case/);
  assert.match(await page.locator('h1 + p').innerText(), /legal hold/i);
  await page.getByText('Kept for a case (legal hold)').click();
  await page.locator('#legal-text').fill('The case is closed');
  await page.getByRole('button', { name: 'Keep it no longer' }).click();
  assert.match(await notice(page), /no longer/);
  await entered(page, reference, server.accounts.dpo.name, 'Legal hold placed');
  await entered(page, reference, server.accounts.dpo.name, 'Legal hold lifted');
});

test('many of one kind together, with their number to be typed', async () => {
  const subjects = ['Together one', 'Together two', 'Together three'];
  for (const subject of subjects) await hold(server, { subject });
  const { page } = dpo;
  await page.goto('/holds?order=newest');
  for (const subject of subjects) await page.locator('tbody tr', { hasText: subject }).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Decide the chosen messages together' }).click();
  await isAccessible(page, 'decide together');
  await picture(page, 'decide-together');
  await page.getByLabel('Release them as they are').check();
  await page.getByLabel('Reason').selectOption({ label: 'A false alarm: there is no personal data in it' });
  await page.getByLabel('Type 3 to confirm').fill('2');
  await page.getByRole('button', { name: 'Decide 3 messages' }).click();
  assert.match(await page.locator('.govuk-error-summary').innerText(), /Type 3/);
  assert.ok(await page.getByLabel('Release them as they are').isChecked(), 'what was chosen is kept');
  await page.getByLabel('Type 3 to confirm').fill('3');
  await page.getByRole('button', { name: 'Decide 3 messages' }).click();
  assert.match(await page.locator('main').innerText(), /3 of 3 messages are decided/);
  await isAccessible(page, 'decided together');
  await picture(page, 'decide-together-done');
  for (const subject of subjects) await arrives(server, subject);
});

test('messages of different kinds are not decided together', async () => {
  await hold(server, { subject: 'Of its own kind' });
  const { page } = dpo;
  await page.goto('/holds?order=newest');
  for (const text of ['Of its own kind', 'could not be read']) await page.locator('tbody tr', { hasText: text }).first().getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Decide the chosen messages together' }).click();
  assert.match(await page.locator('main').innerText(), /not held for the same reason/);
  await isAccessible(page, 'a refusal');
  await picture(page, 'decide-unlike');
});

test('a release by keyboard alone', async () => {
  const subject = 'By keyboard';
  const reference = await hold(server, { subject });
  const { page } = dpo;
  await open(page, reference);
  const reach = async (wanted) => {
    for (let tries = 0; tries < 60; tries += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((selector) => document.activeElement.matches(selector), wanted)) {
        const seen = await page.evaluate(() => {
          const style = getComputedStyle(document.activeElement.matches('.govuk-checkboxes__input, .govuk-radios__input')
            ? document.activeElement.nextElementSibling : document.activeElement, document.activeElement.matches('.govuk-checkboxes__input, .govuk-radios__input') ? '::before' : null);
          return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
        });
        assert.ok(seen, `the focus on ${wanted} can be seen`);
        return;
      }
    }
    assert.fail(`no key leads to ${wanted}`);
  };
  await reach('a[href="#decide"]');
  await page.keyboard.press('Enter');
  await reach('#form-held');
  await page.keyboard.press('Space');
  await reach('#release-reason');
  await page.keyboard.press('ArrowDown');
  await reach('#release-text');
  await page.keyboard.type('They drive them.');
  await reach('#release button');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Check before release' }).waitFor();
  await reach('main form button');
  await page.keyboard.press('Enter');
  await page.locator('.notice').waitFor();
  assert.match(await notice(page), /Released/);
  assert.ok(await page.evaluate(() => document.activeElement.matches('.notice')), 'the notice has the focus');
  await arrives(server, subject);
});

test('a refusal by keyboard alone', async () => {
  const reference = await hold(server, { subject: 'Refused by keyboard' });
  const { page } = dpo;
  await open(page, reference);
  const on = (selector) => page.evaluate((one) => document.activeElement.matches(one), selector);
  for (let tries = 0; tries < 60 && !(await on('#refuse-reason')); tries += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  for (let tries = 0; tries < 30 && !(await on('#refuse button')); tries += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.notice').waitFor();
  assert.match(await notice(page), /Refused/);
});

test('a head decides for the own school only, and IT never', async () => {
  const own = await hold(server, { subject: 'Of Brookmere' });
  const foreign = await hold(server, { subject: 'Of Fenwick', from: 'podowd@fenwick.oakfield-trust.example' });
  const head = await visitor(browser, server);
  await signIn(head.page, server.accounts.head);
  await open(head.page, own);
  assert.equal(await head.page.locator('#release').count(), 1);
  const response = await open(head.page, foreign);
  assert.ok([403, 404].includes(response.status()), `${response.status()}`);
  await picture(head.page, 'decide-other-school');
  await head.context.close();
  const it = await visitor(browser, server);
  await signIn(it.page, server.accounts.it);
  await open(it.page, own);
  assert.equal(await it.page.locator('#release').count(), 0);
  assert.ok(!(await it.page.content()).includes('Of Brookmere'), 'no subject');
  await picture(it.page, 'decide-it');
  await it.context.close();
});

test('a sender writes a word, sends with initials, takes back', async () => {
  const from = 'slowe@brookmere.oakfield-trust.example';
  const [word, initials, back] = ['Own word', 'Own initials', 'Own back'];
  const references = {};
  for (const subject of [word, initials, back]) references[subject] = await hold(server, { subject, from });
  const sender = await visitor(browser, server);
  const { page } = sender;
  await signIn(page, server.accounts.sender);
  await page.goto('/mine');
  await isAccessible(page, 'own messages');
  await picture(page, 'mine');
  const own = await page.locator('tbody tr').allInnerTexts();
  // One of the sample messages is of this sender too.
  assert.equal(own.filter((text) => /Own (word|initials|back)/.test(text)).length, 3, own.join('\n'));
  assert.ok(!own.some((text) => /Taken|Twice|For a case/.test(text)), 'nobody else’s');
  await page.goto(`/mine/${references[word]}`);
  await isAccessible(page, 'own message');
  await picture(page, 'mine-one');
  await page.getByRole('button', { name: 'Send to the reviewer' }).click();
  assert.match(await page.locator('.govuk-error-summary').innerText(), /Write what the reviewer should know/);
  await page.getByLabel('What should the reviewer know?').fill('The coach company needs the name for its list.');
  await page.getByLabel('I ask for its release').check();
  await page.getByRole('button', { name: 'Send to the reviewer' }).click();
  assert.match(await notice(page), /sees that you ask for its release/);
  await open(dpo.page, references[word]);
  assert.match(await dpo.page.locator('main').innerText(), /The coach company needs the name for its list\./);
  await picture(dpo.page, 'decide-word');
  await page.goto(`/mine/${references[initials]}`);
  await page.getByRole('button', { name: 'Send it with initials' }).click();
  assert.match(await notice(page), /Sent with initials/);
  const [{ text }] = await arrives(server, initials);
  assert.ok(!/Noah|Lightfoot/.test(text));
  await page.goto(`/mine/${references[back]}`);
  await page.getByRole('button', { name: 'Take it back, send nothing' }).click();
  assert.match(await notice(page), /Taken back/);
  assert.deepEqual(delivered(server, back), []);
  const response = await page.goto(`/holds/${references[word]}`);
  assert.ok([403, 404].includes(response.status()), 'a sender is no reviewer');
  await sender.context.close();
});

test('nothing went wrong on any page, and nothing was asked of another host', () => {
  for (const { seen } of [dpo, other]) {
    // A page that is shown again with an error is a 4xx, and Chromium writes that to its console.
    const errors = seen.errors.filter((text) => !/Failed to load resource: the server responded with a status of 4\d\d/.test(text));
    assert.deepEqual(errors, []);
    assert.deepEqual(seen.dialogs, []);
    assert.deepEqual(seen.requests.filter((url) => !url.startsWith(server.url)), []);
  }
});
