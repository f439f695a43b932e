// One-time codes (RFC 6238, SHA-1, 30 seconds, 6 digits), as an authenticator app makes them.
import { createHmac } from 'node:crypto';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function base32(text) {
  let bits = '';
  for (const letter of text.replace(/=+$/, '').toUpperCase()) bits += LETTERS.indexOf(letter).toString(2).padStart(5, '0');
  const bytes = [];
  for (let at = 0; at + 8 <= bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8), 2));
  return Buffer.from(bytes);
}

export function step(now = Date.now()) {
  return Math.floor(now / 30_000);
}

export function code(secret, counter = step()) {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const hash = createHmac('sha1', base32(secret)).update(message).digest();
  const offset = hash[19] & 15;
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
