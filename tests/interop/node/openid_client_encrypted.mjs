// openid-client, with everything that can be encrypted to the client encrypted to it.
import { exportJWK, generateKeyPair } from 'jose';
import * as openid from 'openid-client';
import { isPlainHttp, issuer, plan, step, travel } from './journeys.mjs';
import { visit } from './people.mjs';

const execute = isPlainHttp ? [openid.allowInsecureRequests] : [];

/** Sign in with every answer signed, then encrypted. */
async function encrypted() {
  const { alg, enc, scope, redirect_uri } = plan;
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const kid = 'interop';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'enc' };
  let configuration;
  await step('register', async () => {
    const metadata = { ...plan.metadata, jwks: { keys: [jwk] } };
    const how = openid.ClientSecretBasic();
    configuration = await openid.dynamicClientRegistration(issuer, metadata, how, { execute });
    return configuration.clientMetadata();
  });
  openid.useJwtResponseMode(configuration);
  openid.enableDecryptingResponses(configuration, [enc], { key: privateKey, alg, kid });

  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const checks = { pkceCodeVerifier, expectedState: openid.randomState(), idTokenExpected: true };
  const url = openid.buildAuthorizationUrl(configuration, {
    scope,
    redirect_uri,
    state: checks.expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const arrival = await step('arrive', () => visit(url.href));
  const tokens = await openid.authorizationCodeGrant(configuration, new URL(arrival.url), checks);
  await step('finish', () => ({ ...tokens, claims: tokens.claims() }));
  const { access_token: token } = tokens;
  await step('userinfo', () => openid.fetchUserInfo(configuration, token, tokens.claims().sub));
  await step('introspect', () => openid.tokenIntrospection(configuration, token));
}

await travel(null, { encrypted });
