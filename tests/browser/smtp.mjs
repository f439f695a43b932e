// A client that hands over one message, as a school's mail server does.
import { connect } from 'node:net';

export async function send({ host, port }, from, to, message) {
  const socket = connect({ host, port });
  socket.setEncoding('latin1');
  let buffer = '';
  let wake = () => {};
  socket.on('data', (text) => { buffer += text; wake(); });
  const failed = new Promise((_, reject) => socket.on('error', reject));
  failed.catch(() => {});
  const reply = async () => {
    for (;;) {
      const last = buffer.match(/^(?:\d{3}-[^\r\n]*\r\n)*(\d{3}) [^\r\n]*\r\n/);
      if (last) { buffer = buffer.slice(last[0].length); return { code: Number(last[1]), text: last[0] }; }
      await Promise.race([new Promise((resolve) => { wake = resolve; }), failed]);
    }
  };
  const say = async (line, allowed) => {
    socket.write(`${line}\r\n`, 'latin1');
    const answer = await reply();
    if (!allowed.includes(Math.floor(answer.code / 100))) throw new Error(`${line}: ${answer.text}`);
    return answer;
  };
  await reply();
  await say('EHLO client.example', [2]);
  await say(`MAIL FROM:<${from}>`, [2]);
  for (const address of to) await say(`RCPT TO:<${address}>`, [2]);
  await say('DATA', [3]);
  const bytes = Buffer.isBuffer(message) ? message.toString('latin1') : message;
  const lines = bytes.replace(/\r?\n/g, '\r\n').replace(/^\./gm, '..');
  const answer = await say(`${lines.replace(/\r\n$/, '')}\r\n.`, [2, 4, 5]);
  socket.end('QUIT\r\n');
  return answer;
}
