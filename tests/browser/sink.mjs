// A next hop that takes everything and remembers it.
import { createServer } from 'node:net';

export async function sink() {
  const taken = [];
  const server = createServer((socket) => {
    socket.setEncoding('latin1');
    let [buffer, inData, mail] = ['', false, { to: [] }];
    const say = (line) => socket.write(`${line}\r\n`);
    socket.on('error', () => {});
    socket.on('data', (text) => {
      buffer += text;
      for (;;) {
        if (inData) {
          const end = buffer.indexOf('\r\n.\r\n');
          if (end < 0) return;
          taken.push({ ...mail, to: mail.to.sort(), text: buffer.slice(0, end).replace(/^\.\./gm, '.') });
          [buffer, inData, mail] = [buffer.slice(end + 5), false, { to: [] }];
          say('250 2.0.0 taken');
          continue;
        }
        const end = buffer.indexOf('\r\n');
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        const address = line.match(/<([^>]*)>/)?.[1];
        if (/^EHLO/i.test(line)) say('250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800');
        else if (/^MAIL/i.test(line)) { mail = { from: address, to: [] }; say('250 2.1.0 ok'); }
        else if (/^RCPT/i.test(line)) { mail.to.push(address); say('250 2.1.5 ok'); }
        else if (/^DATA/i.test(line)) { inData = true; say('354 go on'); }
        else if (/^QUIT/i.test(line)) { say('221 2.0.0 bye'); socket.end(); return; }
        else say('250 2.0.0 ok');
      }
    });
    say('220 sink.example ESMTP');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, taken, close: () => { server.close(); server.closeAllConnections?.(); } };
}
