// The hostile messages of tests/view/hostile, held and then looked at in a real browser: nothing runs, nothing is fetched, nothing can be sent.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isAccessible, launch, picture, signIn, visitor } from './console.mjs';
import { hold } from './mail.mjs';
import { start } from './server.mjs';

const FOLDER = join(process.env.BEADLE_TREE ?? '.', 'tests/view/hostile');
const NAME = 'Noah Lightfoot';

let server;
let browser;
let visit;
before(async () => {
  server = await start();
  browser = await launch();
  visit = await visitor(browser, server);
  visit.hits = [];
  // What the messages call when a script of theirs runs, in whatever frame.
  await visit.context.exposeBinding('hit', (_, name) => { visit.hits.push(name); });
  await visit.context.route('**/*', (route) => (route.request().url().startsWith(server.url) ? route.continue() : route.abort()));
  await signIn(visit.page, server.accounts.dpo);
});
after(async () => { await browser?.close(); await server?.stop(); });

/** The message as one of our trust that is held: its own bytes as its page, with a pupil's name in it, or with a file beside it that cannot be read. */
function held(file, beside = false) {
  const raw = readFileSync(join(FOLDER, file), 'latin1');
  const end = raw.indexOf('\r\n\r\n');
  const fields = raw.slice(0, end).split(/\r\n(?![ \t])/).filter((field) => /^Content-Type:/i.test(field));
  let body = raw.slice(end + 4);
  const head = ['From: Rachel Moss <rmoss@brookmere.oakfield-trust.example>', 'To: office@hillcoaches.example', `Subject: Hostile ${file}`,
    `Message-ID: <${file}@brookmere.oakfield-trust.example>`, 'MIME-Version: 1.0'];
  const multipart = /multipart\//i.test(fields[0]);
  const named = /kept /.test(body) && !beside;
  if (named) body = body.replace('kept ', `kept ${NAME} `);
  // In base64, so that no byte of it is lost on the way.
  const entity = multipart ? [fields[0], '', body]
    : [fields[0], 'Content-Transfer-Encoding: base64', '', Buffer.from(body, 'latin1').toString('base64').replace(/(.{76})/g, '$1\r\n')];
  if (named) return [...head, ...entity, ''].join('\r\n');
  // A page whose letters are not ASCII's has the name in a part beside it.
  return [...head, 'Content-Type: multipart/mixed; boundary="around"', '', '--around',
    ...(beside ? ['Content-Type: application/x-7z-compressed; name="a.7z"', 'Content-Disposition: attachment; filename="a.7z"', '', '7z\xbc\xaf\x27\x1c no more'] : ['Content-Type: text/plain', '', NAME]),
    '--around', ...entity,
    '--around--', ''].join('\r\n');
}

/** What is live in a page that was written for the frame. */
async function live(page, html) {
  return page.evaluate((text) => {
    const made = new DOMParser().parseFromString(text, 'text/html');
    const found = [...made.querySelectorAll('script, form, input, button, select, textarea, iframe, frame, object, embed, applet, link, base, svg, math, video, audio, meta[http-equiv=refresh i]')].map((one) => one.outerHTML.slice(0, 100));
    for (const one of made.querySelectorAll('*')) {
      for (const { name, value } of one.attributes) {
        if (/^on/i.test(name) || /^\s*(javascript|vbscript):/i.test(value) || (/^(src|srcset|href|background|action|poster|ping|formaction|xlink:href)$/i.test(name) && !/^(data:image\/(png|jpeg|gif)|#)/i.test(value))) found.push(`${one.localName} ${name}=${value.slice(0, 80)}`);
      }
    }
    return found;
  }, html);
}

/** Reads the message in the browser; gives what was found wrong, and how many pages of it were shown. */
async function read(page, reference, button) {
  const wrong = [];
  await page.goto(`/holds/${reference}`);
  const begun = Date.now();
  await page.getByRole('button', { name: button }).first().click();
  await page.waitForURL(/\/(message|unmasked)\?/, { waitUntil: 'load' });
  const took = Date.now() - begun;
  if (took > 10_000) wrong.push(`${took} ms until it could be read`);
  const frames = await page.locator('iframe').all();
  for (const frame of frames) {
    const sandbox = await frame.getAttribute('sandbox');
    if (sandbox !== '') wrong.push(`sandbox: ${sandbox}`);
    const response = await page.request.get(await frame.getAttribute('src'));
    const policy = response.headers()['content-security-policy'] ?? '';
    if (!/default-src 'none'/.test(policy) || !/(^|; ?)sandbox(;|$)/.test(policy) || /unsafe-eval|script-src/.test(policy)) wrong.push(`policy: ${policy}`);
    for (const one of await live(page, await response.text())) wrong.push(`live: ${one}`);
    await frame.scrollIntoViewIfNeeded();
    const box = await frame.boundingBox();
    // Over it, on it, and by keyboard into it.
    for (const at of [[30, 30], [30, 60], [box.width / 2, 20], [box.width / 2, box.height / 2]]) {
      await page.mouse.move(box.x + at[0], box.y + at[1]);
      await page.mouse.click(box.x + at[0], box.y + at[1]);
    }
    for (const key of ['Tab', 'Enter', 'Space']) {
      // Beyond the frame stand our own buttons; the focus leaves a frame of another process a moment after the key.
      await page.waitForTimeout(120);
      if (await page.evaluate(() => document.activeElement.localName === 'iframe')) await page.keyboard.press(key);
    }
  }
  await page.waitForTimeout(100);
  const whole = await page.content();
  if (/<script(?![^>]*src="\/assets\/)/i.test(whole)) wrong.push('a script beside ours');
  if (!page.url().startsWith(`${server.url}/holds/`)) wrong.push(`led to ${page.url()}`);
  return { wrong, frames: frames.length, took };
}

test('nothing of a hostile message is live', async () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.eml')).sort();
  assert.ok(files.length > 60, `${files.length} messages`);
  const { page, seen, hits } = visit;
  const wrong = [];
  let [shown, slowest] = [0, 0];
  for (const file of files) {
    // A page with a word of health beside a name is refused at once: it is held without the name.
    const reference = await hold(server, { subject: file, raw: held(file) })
      .catch(() => hold(server, { subject: file, raw: held(file, true) }))
      .catch((error) => { wrong.push(String(error)); });
    if (!reference) continue;
    for (const button of ['Read the message, findings masked', 'Read the message in clear']) {
      const one = await read(page, reference, button);
      for (const found of one.wrong) wrong.push(`${file}: ${found}`);
      shown += one.frames;
      slowest = Math.max(slowest, one.took);
    }
    if (/^(form|style-overlay|table-100000-cells|link-says-another)\./.test(file)) await picture(page, `hostile-${file}`);
    for (const [what, list] of [['ran', hits], ['asked in a dialog', seen.dialogs], ['asked for', seen.requests.filter((url) => !url.startsWith(server.url))]]) {
      for (const found of list) wrong.push(`${file} ${what} ${found}`);
      list.length = 0;
    }
    seen.requests.length = 0;
  }
  assert.deepEqual(wrong, []);
  // A page is shown to those who read in clear alone: it cannot be masked.
  assert.ok(shown > 60, `${shown} pages were shown`);
  assert.deepEqual(visit.context.pages().length, 1, 'no window opened');
  console.log(`${files.length} hostile messages, ${shown} pages shown, the slowest read in ${slowest} ms`);
});

test('what the browser says of them is its own refusal and nothing else', () => {
  const errors = visit.seen.errors.filter((text) => !/sandbox|Content Security Policy|Blocked/i.test(text));
  assert.deepEqual(errors, []);
});

test('a hostile subject, sender and file name are text everywhere', async () => {
  const subject = '"><img src=x onerror=hit(1)><script>hit(2)</script>';
  const from = 'rmoss@brookmere.oakfield-trust.example';
  const raw = [`From: "<script>hit(3)</script>" <${from}>`, 'To: office@hillcoaches.example', `Subject: ${subject}`, 'MIME-Version: 1.0',
    'Message-ID: <hostile-fields@brookmere.oakfield-trust.example>', 'Content-Type: multipart/mixed; boundary="b"', '', '--b', 'Content-Type: text/plain', '', NAME, '--b',
    'Content-Type: text/plain; name="x.txt"', 'Content-Disposition: attachment; filename="<svg onload=hit(4)>.txt"', '', 'nothing', '--b--', ''].join('\r\n');
  const reference = await hold(server, { subject, raw });
  const { page } = visit;
  for (const path of ['/holds?order=newest', `/holds/${reference}`]) {
    await page.goto(path);
    assert.match(await page.locator('main').innerText(), /onerror=hit\(1\)/, path);
    await isAccessible(page, path);
  }
  await page.getByRole('button', { name: 'Read the message in clear' }).click();
  await page.waitForLoadState('load');
  assert.match(await page.locator('main').innerText(), /<svg onload=hit\(4\)>/);
  await picture(page, 'hostile-fields');
  assert.deepEqual(visit.hits, []);
  assert.deepEqual(visit.seen.dialogs, []);
});
