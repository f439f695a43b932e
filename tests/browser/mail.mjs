// Messages of the sample trust: sent as its mail server sends them, and looked for where they end.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { send } from './smtp.mjs';

let count = 0;

/** A message of the sample trust; `files` are attachments of text. */
export function message({ from, to, subject, text, files = [] }) {
  count += 1;
  const head = [`From: ${from}`, `To: ${to.join(', ')}`, `Subject: ${subject}`, 'Date: Fri, 27 Nov 2026 10:00:00 +0000',
    `Message-ID: <browser-${count}-${process.pid}@brookmere.oakfield-trust.example>`, 'MIME-Version: 1.0'];
  if (files.length === 0) return [...head, 'Content-Type: text/plain; charset=utf-8', '', text, ''].join('\r\n');
  const parts = files.flatMap(({ name, content }) => ['--browser', `Content-Type: text/plain; charset=utf-8; name="${name}"`,
    `Content-Disposition: attachment; filename="${name}"`, '', content]);
  return [...head, 'Content-Type: multipart/mixed; boundary="browser"', '', '--browser', 'Content-Type: text/plain; charset=utf-8', '', text,
    ...parts, '--browser--', ''].join('\r\n');
}

/** Hands a message over that is to be held; gives the reference that the reply cites. */
export async function hold(server, { from = 'rmoss@brookmere.oakfield-trust.example', to = ['office@hillcoaches.example'], subject, ...rest }) {
  const text = rest.text ?? 'The coach for Noah Lightfoot leaves at nine.';
  const answer = await send(server.smtp, from, to, rest.raw ?? message({ from, to, subject, ...rest, text }));
  const found = answer.text.match(/held for review \(ref ([A-Z0-9-]+)\)/);
  if (!found) throw new Error(`${subject}: not held: ${answer.text}`);
  return found[1];
}

/** What came out at the end with this subject: to whom, and the text. */
export function delivered(server, subject) {
  const folder = join(server.folder, 'maildir', 'new');
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    .filter((text) => text.includes(`Subject: ${subject}\r\n`))
    .map((text) => ({ to: [...text.matchAll(/^Delivered-To: (\S+)\r?$/gm)].map((found) => found[1]).sort(), text }));
}

/** Waits for as many. */
export async function arrives(server, subject, number = 1) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = delivered(server, subject);
    if (found.length >= number) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${subject}: ${delivered(server, subject).length} of ${number} came out`);
}
