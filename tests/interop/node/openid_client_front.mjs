// openid-client where tokens come through the browser: OpenID Connect's implicit and hybrid flows.
import * as openid from 'openid-client';
import { isPlainHttp, issuer, plan, step, travel } from './journeys.mjs';
import { brought, visit } from './people.mjs';

const execute = isPlainHttp ? [openid.allowInsecureRequests] : [];
const parameters = { scope: plan.scope, redirect_uri: plan.redirect_uri };

/** Register an application for one response type. */
async function enter(useResponseType) {
  const how = openid.ClientSecretBasic();
  const options = { execute: [...execute, useResponseType] };
  let configuration;
  await step('register', async () => {
    configuration = await openid.dynamicClientRegistration(issuer, plan.metadata, how, options);
    return configuration.clientMetadata();
  });
  return configuration;
}

/** An ID token and nothing else. */
async function implicit() {
  const configuration = await enter(openid.useIdTokenResponseType);
  const nonce = openid.randomNonce();
  const state = openid.randomState();
  const asked = { ...parameters, ...plan.authorization, nonce, state };
  const url = openid.buildAuthorizationUrl(configuration, asked).href;
  const arrival = await step('arrive', () => visit(url));
  const checks = { expectedState: state };
  await step('finish', () =>
    openid.implicitAuthentication(configuration, answer(arrival), nonce, checks),
  );
}

/** A code and an ID token that vouches for it. */
async function hybrid() {
  const configuration = await enter(openid.useCodeIdTokenResponseType);
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier,
    expectedState: openid.randomState(),
    expectedNonce: openid.randomNonce(),
  };
  const asked = {
    ...parameters,
    ...plan.authorization,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  };
  const url = openid.buildAuthorizationUrl(configuration, asked).href;
  const arrival = await step('arrive', () => visit(url));
  const tokens = await step('finish', () =>
    openid.authorizationCodeGrant(configuration, answer(arrival), checks),
  );
  await step('userinfo', () =>
    openid.fetchUserInfo(configuration, tokens.access_token, openid.skipSubjectCheck),
  );
}

/** Return what the person brought as the library takes it: a request, or the address. */
function answer(arrival) {
  if (!arrival.fields) return new URL(arrival.url);
  return new Request(arrival.url, { method: 'POST', body: brought(arrival) });
}

await travel(null, { implicit, hybrid });
