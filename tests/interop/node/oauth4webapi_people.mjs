// oauth4webapi, with people who sign in. It sends a DPoP proof without a nonce first and leaves it
// to its caller to try again with the one it was given.
import * as oauth from 'oauth4webapi';
import { isPlainHttp, issuer, plan } from './journeys.mjs';
import { brought, signIn } from './people.mjs';

const options = { [oauth.allowInsecureRequests]: isPlainHttp };
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
let server;

async function enter(metadata, proof, { dpop, jarm }) {
  const found = await oauth.discoveryRequest(issuer, options);
  server = await oauth.processDiscoveryResponse(issuer, found);
  const response = await oauth.dynamicClientRegistrationRequest(server, metadata, {
    ...options,
    initialAccessToken: plan.initial_access_token ?? undefined,
  });
  const client = await oauth.processDynamicClientRegistrationResponse(response);
  const more = dpop ? { DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) } : {};
  const how = authentication(client, proof);
  return { client, how, proof, jarm, options: { ...options, ...more } };
}

async function start(application, parameters, how) {
  const { client, proof, jarm } = application;
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  const asked = {
    ...parameters,
    ...(jarm && { response_mode: 'jwt' }),
    client_id: client.client_id,
    response_type: 'code',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  };
  const { client_id } = client;
  const build = {
    plain: () => asked,
    pushed: async () => ({ client_id, request_uri: (await push(application, asked)).request_uri }),
    signed: async () => ({
      client_id,
      request: await oauth.issueRequestObject(server, client, asked, proof),
    }),
  };
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams(await build[how]());
  return { url: url.href, verifier, state, nonce, redirectUri: parameters.redirect_uri };
}

const push = ({ client, how, options }, asked) =>
  withNonce(async () => {
    const response = await oauth.pushedAuthorizationRequest(server, client, how, asked, options);
    return oauth.processPushedAuthorizationResponse(server, client, response);
  });

async function finish({ client, how, jarm, options }, started, arrival) {
  const { verifier, state, nonce, redirectUri } = started;
  const validate = jarm ? oauth.validateJwtAuthResponse : oauth.validateAuthResponse;
  const callback = await validate(server, client, brought(arrival), state, options);
  const tokens = await withNonce(async () => {
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      how,
      callback,
      redirectUri,
      verifier,
      options,
    );
    const expected = { expectedNonce: nonce, requireIdToken: true };
    const given = await oauth.processAuthorizationCodeResponse(server, client, response, expected);
    await oauth.validateApplicationLevelSignature(server, response, options);
    return given;
  });
  return { ...tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
}

const userinfo = ({ client, options }, { access_token: token, claims }) =>
  withNonce(async () => {
    const response = await oauth.userInfoRequest(server, client, token, options);
    const subject = claims?.sub ?? oauth.skipSubjectCheck;
    return oauth.processUserInfoResponse(server, client, subject, response);
  });

const refresh = ({ client, how, options }, token, parameters) =>
  withNonce(async () => {
    const response = await oauth.refreshTokenGrantRequest(server, client, how, token, {
      ...options,
      additionalParameters: parameters,
    });
    return oauth.processRefreshTokenResponse(server, client, response);
  });

async function introspect({ client, how }, token) {
  const response = await oauth.introspectionRequest(server, client, how, token, options);
  return oauth.processIntrospectionResponse(server, client, response);
}

async function revoke({ client, how }, token) {
  const response = await oauth.revocationRequest(server, client, how, token, options);
  return oauth.processRevocationResponse(response);
}

async function device({ client, how }, parameters, show) {
  const response = await oauth.deviceAuthorizationRequest(server, client, how, parameters, options);
  const shown = await oauth.processDeviceAuthorizationResponse(server, client, response);
  await show(shown);
  const code = shown.device_code;
  const answer = await oauth.deviceCodeGrantRequest(server, client, how, code, options);
  return oauth.processDeviceCodeResponse(server, client, answer);
}

async function exchange({ client, how }, parameters) {
  const response = await oauth.genericTokenEndpointRequest(
    server,
    client,
    how,
    TOKEN_EXCHANGE,
    parameters,
    options,
  );
  return oauth.processGenericTokenEndpointResponse(server, client, response, {
    recognizedTokenTypes: { n_a: () => {} },
  });
}

function leave({ client }, parameters) {
  const url = new URL(server.end_session_endpoint);
  url.search = new URLSearchParams({ client_id: client.client_id, ...parameters });
  return url.href;
}

/** Do *action*; once more where the server wants a nonce in the proof, which the library has kept. */
async function withNonce(action) {
  try {
    return await action();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return action();
  }
}

function authentication({ client_secret: secret }, { method, key, kid }) {
  switch (method) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(secret);
    case 'client_secret_post':
      return oauth.ClientSecretPost(secret);
    case 'client_secret_jwt':
      return oauth.ClientSecretJwt(secret);
    case 'private_key_jwt':
      return oauth.PrivateKeyJwt({ key, kid });
    default:
      return oauth.None();
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
