// openid-client. It has no API for RFC 7592: `fetchProtectedResource`, its call with a bearer token,
// manages the registration. Nor has it one for resource servers: jose, on which it is built,
// verifies the access token.
import * as openid from 'openid-client';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { isPlainHttp, issuer, travel } from './journeys.mjs';

const execute = isPlainHttp ? [openid.allowInsecureRequests] : [];
let server;

async function discover(algorithm) {
  const options = { algorithm, execute };
  const configuration = await openid.discovery(issuer, 'nobody yet', {}, openid.None(), options);
  server = configuration.serverMetadata();
  return server;
}

async function register(metadata, { token, inPath }) {
  const options = { execute };
  if (inPath) {
    // It takes the address from the server's metadata alone; only its fetch can be told another.
    options[openid.customFetch] = (url, init) => fetch(withPathToken(url, token), init);
  } else {
    options.initialAccessToken = token;
  }
  const configuration = await openid.dynamicClientRegistration(
    issuer,
    metadata,
    openid.None(),
    options,
  );
  server = configuration.serverMetadata();
  return configuration.clientMetadata();
}

const withPathToken = (url, token) => (url.endsWith('/register') ? `${url}/t/${token}` : url);

async function manage(client, method, document) {
  const response = await openid.fetchProtectedResource(
    configure(client),
    client.registration_access_token,
    new URL(client.registration_client_uri),
    method,
    document && JSON.stringify(document),
    new Headers(document && { 'content-type': 'application/json' }),
  );
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}

const token = (client, proof, parameters) =>
  openid.clientCredentialsGrant(configure(client, proof), parameters);

async function verify(accessToken, audience) {
  const keys = createRemoteJWKSet(new URL(server.jwks_uri));
  const expected = { issuer: server.issuer, audience, typ: 'at+jwt' };
  const { payload } = await jwtVerify(accessToken, keys, expected);
  return payload;
}

const introspect = (client, proof, accessToken) =>
  openid.tokenIntrospection(configure(client, proof), accessToken);

const revoke = (client, proof, accessToken) =>
  openid.tokenRevocation(configure(client, proof), accessToken);

function configure(client, proof = {}) {
  const how = authentication(proof);
  const configuration = new openid.Configuration(server, client.client_id, client, how);
  execute.forEach((extension) => extension(configuration));
  return configuration;
}

function authentication({ method, key, kid, alg }) {
  switch (method) {
    case 'client_secret_basic':
      return openid.ClientSecretBasic();
    case 'client_secret_post':
      return openid.ClientSecretPost();
    case 'client_secret_jwt':
      return openid.ClientSecretJwt();
    case 'private_key_jwt':
      return openid.PrivateKeyJwt({ key, kid }, { [openid.modifyAssertion]: rename(alg) });
    default:
      return undefined; // the library chooses
  }
}

// Left alone, the library calls EdDSA by its newer name, Ed25519 (RFC 9864).
const rename = (alg) => (header) => void (header.alg = alg);

await travel({ discover, register, manage, token, verify, introspect, revoke });
