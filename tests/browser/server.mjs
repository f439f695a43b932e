// A relay with a console on loopback, with the sample trust, the sample messages and an account for each role.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env.BEADLE ?? 'target/debug/beadle';

/** What each role is called here, and for which schools. */
const ROLES = [
  { login: 'dpo', name: 'Dana Obuya', role: 'dpo' },
  { login: 'dpo2', name: 'Noor Quill', role: 'dpo' },
  { login: 'head', name: 'Helen Marsh', role: 'head', schools: ['brookmere'] },
  { login: 'it', name: 'Ivor Tanner', role: 'it' },
  { login: 'auditor', name: 'Audrey Finch', role: 'auditor' },
  { login: 'sender', name: 'Sam Lowe', role: 'sender', address: 'slowe@brookmere.oakfield-trust.example' },
];

export async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'beadle-browser-'));
  const process_ = spawn(PROGRAM, ['demo', '--keep-running', '--data-dir', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let said = '';
  process_.stderr.on('data', (text) => { said += text; });
  const ready = new Promise((resolve, reject) => {
    process_.stdout.on('data', (text) => {
      output += text;
      if (output.includes('Stop it with Ctrl-C.')) resolve();
    });
    process_.on('exit', (code) => reject(new Error(`beadle ended with ${code}:\n${output}\n${said}`)));
  });
  await ready;
  const url = output.match(/http:\/\/127\.0\.0\.1:\d+(?=\/?\s)/g).find((one) => output.includes(`console is at ${one}`));
  const [, host, port] = output.match(/The relay listens on ([\d.]+):(\d+)/);
  const accounts = Object.fromEntries(ROLES.map((role) => [role.login, create(folder, role)]));
  return {
    url,
    smtp: { host, port: Number(port) },
    folder,
    accounts,
    log: () => said,
    stop: async () => {
      const ended = new Promise((resolve) => process_.on('exit', resolve));
      process_.removeAllListeners('exit');
      process_.kill('SIGTERM');
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10_000))]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Makes an account on the host, by the command that an administrator uses. */
function create(folder, { login, name, role, schools = [], address }) {
  const args = ['account', 'create', '--data-dir', join(folder, 'data'), '--login', login, '--name', name, '--role', role];
  for (const school of schools) args.push('--school', school);
  if (address) args.push('--address', address);
  const made = spawnSync(PROGRAM, [...args, '--password-stdin'], { input: `a long password for ${login} only\n`, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`account ${login}: ${made.stderr}${made.stdout}`);
  const secret = made.stdout.match(/secret=([A-Z2-7]+)/)[1];
  return { login, name, role, password: `a long password for ${login} only`, secret, used: 0 };
}
