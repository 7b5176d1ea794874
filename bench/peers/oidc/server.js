// oidc-provider as a peer: node server.js PORT memory|sqlite|postgres [WHERE]
//
// Offers what the bench asks of it and nothing that costs time besides: open
// registration, RFC 7592 reads, tokens as ES256 JWTs for clients and for the one person
// there is, who is signed in and allows everything without being asked. Its JWTs cannot be
// introspected, so who asks for the resource OPAQUE gets tokens that can.

import { generateKeyPairSync } from 'node:crypto';

import { errors, Provider } from 'oidc-provider';

import { openMemory } from './memory.js';
import { openPostgres } from './postgres.js';
import { openSqlite } from './sqlite.js';

const OPENERS = { memory: openMemory, sqlite: openSqlite, postgres: openPostgres };
const RESOURCE = 'https://api.example/';
const OPAQUE = 'https://opaque.example/';

const [port, kind, where] = process.argv.slice(2);
const adapter = await OPENERS[kind](where);

function key(kty, options, alg) {
  const { privateKey } = generateKeyPairSync(kty, options);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig' };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter,
  jwks: {
    keys: [key('ec', { namedCurve: 'P-256' }, 'ES256'), key('rsa', { modulusLength: 2048 }, 'RS256')],
  },
  enabledJWA: { idTokenSigningAlgValues: ['ES256', 'RS256'] },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'read'],
  cookies: { keys: ['bench'] },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    clientCredentials: { enabled: true },
    registration: { enabled: true, initialAccessToken: false },
    registrationManagement: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, resource) {
        if (resource === OPAQUE) {
          return { scope: 'read', accessTokenFormat: 'opaque' };
        }
        if (resource !== RESOURCE) {
          throw new errors.InvalidTarget();
        }
        return { scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
      },
    },
  },
  ttl: { ClientCredentials: 3600 },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: async () => true,
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
});

provider.use(async (context, next) => {
  if (!context.path.startsWith('/interaction/')) {
    return next();
  }
  const { req, res } = context;
  context.respond = false;
  const { params } = await provider.interactionDetails(req, res);
  const grant = new provider.Grant({ accountId: 'demo', clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(RESOURCE, params.scope);
  grant.addResourceScope(OPAQUE, params.scope);
  const result = { login: { accountId: 'demo' }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(req, res, result);
});

provider.on('server_error', (ctx, error) => {
  process.stderr.write(`${error.stack}\n`);
});

const server = provider.listen(Number(port), '127.0.0.1');
server.keepAliveTimeout = 75_000;
