// A relay with a console on loopback, with the sample trust, the sample messages and an account for each role.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sink } from './sink.mjs';

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

/** A port that is free now. */
async function free() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A relay of its own whose policy wants two people for messages about five pupils or more, with a next hop that encrypts beside the usual one. */
export async function startStrict() {
  const folder = mkdtempSync(join(tmpdir(), 'beadle-browser-'));
  const tree = process.env.BEADLE_TREE ?? '.';
  const standard = readFileSync(join(tree, 'patterns/policies/standard.toml'), 'utf8');
  const strict = standard.replace(/(\nid = "bulk"\n(?:(?!\[\[)[^])*?\nmode = )"shadow"/, '$1"enforce"');
  if (strict === standard) throw new Error('the rule for many pupils has changed');
  const [usual, encrypting] = [await sink(), await sink()];
  const [smtp, web, admin] = [await free(), await free(), await free()];
  writeFileSync(join(folder, 'policy.toml'), strict);
  writeFileSync(join(folder, 'beadle.toml'), `
[server]
name = "beadle.demo.example"
data_dir = "${join(folder, 'data')}"
[trust]
policy = "${join(folder, 'policy.toml')}"
internal_domains = ["oakfield-trust.example"]
partner_domains = ["council-safeguarding.example"]
roster = "${resolve(tree, 'patterns/sample/roster.csv')}"
staff = "${resolve(tree, 'patterns/sample/staff.csv')}"
[[trust.schools]]
id = "brookmere"
name = "Brookmere Primary School"
domains = ["brookmere.oakfield-trust.example"]
[[access.clients]]
networks = ["127.0.0.0/8"]
own_server = true
[[listener]]
address = "127.0.0.1:${smtp}"
[[outbound.hops]]
host = "127.0.0.1"
port = ${usual.port}
tls = "none"
[[outbound.encrypting]]
host = "127.0.0.1"
port = ${encrypting.port}
tls = "none"
[admin]
listen = "127.0.0.1:${admin}"
[console]
address = "127.0.0.1:${web}"
[console.site]
trust_name = "Oakfield Trust"
`);
  const process_ = spawn(PROGRAM, ['serve', '--config', join(folder, 'beadle.toml')], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [process_.stdout, process_.stderr]) stream.on('data', (text) => { said += text; });
  let ended;
  process_.on('exit', (code) => { ended = code; });
  const url = `http://127.0.0.1:${web}`;
  for (let tries = 0; ; tries += 1) {
    if (ended !== undefined || tries > 300) throw new Error(`beadle did not start (${ended}):\n${said}`);
    if (await fetch(`${url}/sign-in`).then((response) => response.ok, () => false)) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const accounts = Object.fromEntries(ROLES.map((role) => [role.login, create(folder, role)]));
  return {
    url,
    smtp: { host: '127.0.0.1', port: smtp },
    folder,
    accounts,
    usual: usual.taken,
    encrypting: encrypting.taken,
    stop: async () => {
      process_.kill('SIGTERM');
      for (let tries = 0; ended === undefined && tries < 50; tries += 1) await new Promise((resolve) => setTimeout(resolve, 200));
      usual.close();
      encrypting.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
