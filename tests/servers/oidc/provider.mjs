// An OpenID provider for the tests: panva's oidc-provider, which is certified, with sign-in forms that take any name.
//
// PORT says where it listens on loopback, METHODS how clients may send their secret. `/test/rotate` replaces its signing key. Everybody is who their login says:
// `dpo`, `head`, `staff`, `unverified`, `elsewhere` (another Workspace).

import http from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;
const redirect = process.env.REDIRECT;
const methods = process.env.METHODS.split(',');

const roles = { dpo: ['Beadle.DPO'], head: ['Beadle.Head.Ash', 'Other'] };

async function findAccount(_, id) {
  return {
    accountId: id,
    claims: async () => ({
      sub: id,
      name: `Person ${id}`,
      email: `${id}@trust.example`,
      email_verified: id !== 'unverified',
      hd: id === 'elsewhere' ? 'elsewhere.example' : 'trust.example',
      ...(roles[id] && { roles: roles[id] }),
    }),
  };
}

const client = {
  client_id: 'beadle',
  client_secret: 'secret-of-the-test',
  redirect_uris: [redirect],
  post_logout_redirect_uris: [`${redirect}/out`],
  token_endpoint_auth_method: methods[0],
  require_auth_time: true,
};

function provider() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') };
  const made = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [key] },
    findAccount,
    claims: { openid: ['sub', 'roles', 'hd'], profile: ['name'], email: ['email', 'email_verified'] },
    // Without this the claims are at the userinfo endpoint only.
    conformIdTokenClaims: false,
    clientAuthMethods: methods,
    pkce: { required: () => true },
    cookies: { keys: ['key-of-the-test'] },
    features: { devInteractions: { enabled: true } },
    ttl: { AuthorizationCode: 60, IdToken: 120, AccessToken: 60, Grant: 600, Interaction: 600, Session: 600 },
  });
  return made.callback();
}

let answer = provider();
http
  .createServer((request, response) => {
    if (request.url === '/test/rotate') {
      // Codes and sessions are in the memory of the process and stay.
      answer = provider();
      response.end('rotated');
    } else {
      answer(request, response);
    }
  })
  .listen(port, '127.0.0.1', () => console.log('ready'));
