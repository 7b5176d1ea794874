// openid-client, with people who sign in.
import * as openid from 'openid-client';
import { isPlainHttp, issuer, plan } from './journeys.mjs';
import { brought, signIn } from './people.mjs';

const execute = isPlainHttp ? [openid.allowInsecureRequests] : [];
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

async function enter(metadata, proof, { dpop, jarm }) {
  const how = authentication(proof);
  const configuration = await openid.dynamicClientRegistration(issuer, metadata, how, {
    execute,
    initialAccessToken: plan.initial_access_token ?? undefined,
  });
  if (jarm) openid.useJwtResponseMode(configuration);
  const options = dpop
    ? { DPoP: openid.getDPoPHandle(configuration, await openid.randomDPoPKeyPair()) }
    : {};
  return { client: configuration.clientMetadata(), configuration, proof, options };
}

async function start({ configuration, proof, options }, parameters, how) {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier,
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  };
  const asked = {
    ...parameters,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  };
  const build = {
    plain: () => openid.buildAuthorizationUrl(configuration, asked),
    pushed: () => openid.buildAuthorizationUrlWithPAR(configuration, asked, options),
    signed: () => openid.buildAuthorizationUrlWithJAR(configuration, asked, proof),
  };
  return { url: (await build[how]()).href, checks };
}

async function finish({ configuration, options }, { checks }, arrival) {
  const callback = arrival.fields
    ? new Request(arrival.url, { method: 'POST', body: brought(arrival) })
    : new URL(`?${brought(arrival)}`, arrival.url);
  const all = { ...checks, idTokenExpected: true };
  const tokens = await openid.authorizationCodeGrant(configuration, callback, all, {}, options);
  return { ...tokens, claims: tokens.claims() };
}

const userinfo = ({ configuration, options }, { access_token: token, claims }) =>
  openid.fetchUserInfo(configuration, token, claims?.sub ?? openid.skipSubjectCheck, options);

const refresh = ({ configuration, options }, token, parameters) =>
  openid.refreshTokenGrant(configuration, token, parameters, options);

const introspect = ({ configuration }, token) => openid.tokenIntrospection(configuration, token);

const revoke = ({ configuration }, token) => openid.tokenRevocation(configuration, token);

async function device({ configuration, options }, parameters, show) {
  const shown = await openid.initiateDeviceAuthorization(configuration, parameters);
  await show(shown);
  return openid.pollDeviceAuthorizationGrant(configuration, shown, {}, options);
}

const exchange = ({ configuration, options }, parameters) =>
  openid.genericGrantRequest(configuration, TOKEN_EXCHANGE, parameters, options);

const leave = ({ configuration }, parameters) =>
  openid.buildEndSessionUrl(configuration, parameters).href;

function authentication({ method, key, kid }) {
  switch (method) {
    case 'client_secret_basic':
      return openid.ClientSecretBasic();
    case 'client_secret_post':
      return openid.ClientSecretPost();
    case 'client_secret_jwt':
      return openid.ClientSecretJwt();
    case 'private_key_jwt':
      return openid.PrivateKeyJwt({ key, kid });
    default:
      return openid.None();
  }
}

await signIn({
  enter,
  start,
  finish,
  userinfo,
  refresh,
  introspect,
  revoke,
  device,
  exchange,
  leave,
});
