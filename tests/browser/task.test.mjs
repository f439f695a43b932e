// What a data protection officer does on a working day, from the sign-in to the board's report, in one go: found, understood, released to fewer
// people, proved, reported, and a breach written down. Tells how many pages and how long it took.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { arrives, hold } from './mail.mjs';
import { start } from './server.mjs';

let server;
let browser;
before(async () => { server = await start(); browser = await launch(); });
after(async () => { await browser?.close(); await server?.stop(); });

/** Rows of a CSV file (RFC 4180). */
function rows(text) {
  const all = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    all.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',') all.push([]);
  }
  return all.filter((row) => row.length > 1 || row[0]);
}

/** What a click on a link saves. */
async function saved(page, name) {
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name, exact: true }).click();
  const file = await download;
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

test('a day of a data protection officer', async () => {
  const to = ['office@hillcoaches.example', 'visits@castle-farm.example'];
  const subject = 'Rooms at the farm';
  const reference = await hold(server, { subject, to, from: 'epopescu@brookmere.oakfield-trust.example', text: 'Noah Lightfoot needs a room on the ground floor.' });
  const { context, page, seen } = await visitor(browser, server);
  const begun = Date.now();
  const steps = [];
  page.on('framenavigated', (frame) => { if (frame === page.mainFrame()) steps.push(new URL(frame.url()).pathname); });

  await signIn(page, server.accounts.dpo);
  assert.match(await page.locator('h1').innerText(), /\d+ messages wait/, 'the first page says what waits');

  // Found, by who sent it.
  await page.getByRole('link', { name: 'Held messages' }).click();
  await page.getByText('Find a message').click();
  await page.getByLabel('Words, names or addresses').fill('epopescu@brookmere.oakfield-trust.example');
  await page.getByRole('button', { name: 'Show these messages' }).click();
  assert.ok(!/epopescu/.test(page.url()), 'no address in the address bar');
  await isAccessible(page, 'a search');
  await picture(page, 'task-search');
  const found = await page.locator('tbody tr').allInnerTexts();
  assert.ok(found.length >= 1 && found.every((row) => row.includes('epopescu')), found.join('\n'));
  await page.getByRole('link', { name: subject }).click();

  // Understood: the clause of the policy and what was found, masked.
  const said = await page.locator('main').innerText();
  assert.match(said, /It holds a pupil.s full name/i);
  assert.match(said, /Your policy: Standard policy 5/);
  assert.match(said, /Pupil’s name/);
  assert.ok(!said.includes('Noah Lightfoot'), 'what was found is masked');
  await page.getByRole('button', { name: 'Read the message, findings masked' }).click();
  await page.waitForURL(/\/message\?/);
  assert.match(await page.locator('main').innerText(), /needs a room on the ground floor/);
  assert.ok(!(await page.locator('main').innerText()).includes('Noah Lightfoot'), 'masked in the text too');
  await isAccessible(page, 'the message, masked');
  await picture(page, 'task-message');
  await page.getByRole('link', { name: 'Back to the message' }).click();

  // Released to fewer people, with a reason.
  const release = page.locator('#release');
  await release.getByLabel(to[0]).uncheck();
  await release.getByLabel('Reason').selectOption({ index: 1 });
  await release.getByLabel('In your own words').fill('The farm plans its rooms; the coach company needs no names.');
  await release.getByLabel('Yes', { exact: true }).check();
  await release.getByRole('button', { name: 'Check before release' }).click();
  await page.getByRole('button', { name: 'Release this message' }).click();
  assert.match(await page.locator('.notice').innerText(), /Released/);
  const out = await arrives(server, subject);
  assert.deepEqual(out.map((one) => one.to), [[to[1]]]);

  // Proved, by the reference that is on every page and notice.
  await page.getByRole('link', { name: 'Ledger' }).click();
  await page.getByLabel('On which message, policy or account').fill(reference);
  await page.locator('form.filter').getByRole('button').click();
  const entries = await page.locator('tbody tr').allInnerTexts();
  assert.ok(entries.some((row) => /Dana Obuya/.test(row) && /Released/.test(row)), entries.join('\n'));
  assert.ok(entries.some((row) => /Message read/.test(row)), entries.join('\n'));
  await picture(page, 'task-ledger');

  // Reported.
  await page.getByRole('link', { name: 'Reports' }).click();
  await page.getByRole('link', { name: 'Summary' }).click();
  await isAccessible(page, 'the summary');
  const pdf = await saved(page, 'Document (PDF)');
  const text = pdf.bytes.toString('latin1');
  assert.match(pdf.name, /\.pdf$/);
  assert.ok(text.startsWith('%PDF-1.') && /startxref\s+\d+\s+%%EOF\s*$/.test(text), 'a whole PDF');
  assert.ok(/\/StructTreeRoot/.test(text) || /\/ObjStm/.test(text), 'tagged');
  const csv = await saved(page, 'Table (CSV)');
  const table = rows(csv.bytes.toString('utf8').replace(/^\uFEFF/, ''));
  assert.ok(table.length > 10, csv.bytes.toString('utf8').slice(0, 300));
  assert.ok(table.some((row) => row.some((cell) => /Released|released/.test(cell))), 'the release is in it');
  assert.ok(!csv.bytes.includes('Lightfoot') && !text.includes('Lightfoot'), 'nobody is named');

  // A breach, with its clock.
  await page.getByRole('link', { name: 'Breaches' }).click();
  await page.getByRole('link', { name: 'Record a breach' }).click();
  await page.getByLabel('A short name').fill('Room list to the wrong hotel');
  await page.getByLabel('Messages it is about').fill(reference);
  await page.getByLabel('What happened?').fill('A list went to another hotel of the same name.');
  await page.getByRole('button', { name: 'Record this breach' }).click();
  assert.match(await page.locator('.notice').innerText(), /The clock is running/);
  assert.match(await page.locator('main').innerText(), /7[12] hours left/);
  await isAccessible(page, 'a breach');
  await picture(page, 'task-breach');

  console.log(`the day took ${steps.length} pages and ${((Date.now() - begun) / 1000).toFixed(1)} s of a machine's time: ${steps.join(' ')}`);
  assert.ok(steps.length <= 25, `${steps.length} pages`);
  assert.deepEqual(seen.errors, []);
  assert.deepEqual(seen.requests.filter((url) => !url.startsWith(server.url) && !url.startsWith('blob:')), []);
  assert.ok(seen.requests.every((url) => !/epopescu|lightfoot|hillcoaches/i.test(url)), 'no personal data in an address');
  await context.close();
});
