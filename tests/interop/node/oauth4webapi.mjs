// oauth4webapi. It has no API for RFC 7592: `protectedResourceRequest`, its call with a bearer token,
// manages the registration. `validateJwtAccessToken` is its resource server.
import * as oauth from 'oauth4webapi';
import { isPlainHttp, issuer, travel } from './journeys.mjs';

const options = { [oauth.allowInsecureRequests]: isPlainHttp };
let server;

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...options });
  server = await oauth.processDiscoveryResponse(issuer, response);
  return server;
}

async function register(metadata, { token, inPath }) {
  server ??= await discover('oauth2');
  const address = inPath ? `${server.registration_endpoint}/t/${token}` : undefined;
  const response = await oauth.dynamicClientRegistrationRequest(
    { ...server, ...(address && { registration_endpoint: address }) },
    metadata,
    { ...options, initialAccessToken: inPath ? undefined : token },
  );
  return oauth.processDynamicClientRegistrationResponse(response);
}

async function manage(client, method, document) {
  const response = await oauth.protectedResourceRequest(
    client.registration_access_token,
    method,
    new URL(client.registration_client_uri),
    new Headers(document && { 'content-type': 'application/json' }),
    document && JSON.stringify(document),
    options,
  );
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}

async function token(client, proof, parameters) {
  const how = authentication(client, proof);
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    how,
    new URLSearchParams(parameters),
    options,
  );
  return oauth.processClientCredentialsResponse(server, client, response);
}

async function verify(accessToken, audience) {
  const headers = { authorization: `Bearer ${accessToken}` };
  const request = new Request('https://api.example/things', { headers });
  return oauth.validateJwtAccessToken(server, request, audience, options);
}

async function introspect(client, proof, accessToken) {
  const how = authentication(client, proof);
  const response = await oauth.introspectionRequest(server, client, how, accessToken, options);
  return oauth.processIntrospectionResponse(server, client, response);
}

async function revoke(client, proof, accessToken) {
  const how = authentication(client, proof);
  const response = await oauth.revocationRequest(server, client, how, accessToken, options);
  return oauth.processRevocationResponse(response);
}

function authentication({ client_secret: secret }, { method, key, kid, alg }) {
  switch (method) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(secret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(secret);
    case 'client_secret_jwt':
      return oauth.ClientSecretJwt(secret);
    case 'private_key_jwt':
      return oauth.PrivateKeyJwt({ key, kid }, { [oauth.modifyAssertion]: rename(alg) });
    default:
      throw new Error(`no such method: ${method}`);
  }
}

// Left alone, the library calls EdDSA by its newer name, Ed25519 (RFC 9864).
const rename = (alg) => (header) => void (header.alg = alg);

await travel({ discover, register, manage, token, verify, introspect, revoke });
