// What every library is put through. One JSON line a step goes to standard output:
// {"step": name, "result": …} or {"step": name, "failure": what the library told its caller}.
//
// usage: node <library>.mjs <journey> <plan as JSON>
//
// A library is an object of functions that take and give plain JSON and do nothing but call it:
//   discover(algorithm)                  server metadata, by the 'oidc' or the 'oauth2' form
//   register(metadata, entry)            client information; entry: {token, inPath}
//   manage(client, method, document)     {status, body} of the client configuration endpoint
//   token(client, proof, parameters)     token response
//   verify(accessToken, audience)        claims, judged as a resource server does
//   introspect(client, proof, token)     introspection response
//   revoke(client, proof, token)         nothing
// *proof* says how the client authenticates: {method, key, kid, alg}.
import { exportJWK, generateKeyPair } from 'jose';

const [, , journey, text] = process.argv;

export const plan = JSON.parse(text);
export const issuer = new URL(plan.issuer);
export const isPlainHttp = issuer.protocol === 'http:';

/** Run the journey named on the command line with *library*. */
export async function travel(library, journeys = { life, door, refusals }) {
  await journeys[journey](library);
}

/** From discovery to the grave, and a little beyond. */
async function life(library) {
  await step('discover_openid', () => library.discover('oidc'));
  await step('discover_oauth', () => library.discover('oauth2'));

  const { proof, jwks } = await credentials();
  const entry = { token: plan.initial_access_token, inPath: plan.token_in_path };
  const wish = { ...plan.metadata, ...jwks };
  let client = await step('register', () => library.register(wish, entry));
  await step('read', () => library.manage(client, 'GET'));
  const updated = await step('update', () => library.manage(client, 'PUT', replacement(client)));
  client = { ...client, ...updated.body };
  await step('read_updated', () => library.manage(client, 'GET'));

  const wanted = { resource: plan.resource };
  const first = await step('token', () => library.token(client, proof, wanted));
  await step('verify', () => library.verify(first.access_token, plan.resource));
  await step('introspect', () => library.introspect(client, proof, first.access_token));
  await step('revoke', () => library.revoke(client, proof, first.access_token));
  await step('introspect_revoked', () => library.introspect(client, proof, first.access_token));

  // The token's audience goes on asking when the client is no more.
  const second = await library.token(client, proof, wanted);
  const { resource_server: watcher } = plan;
  const watch = () => library.introspect(watcher, SECRET, second.access_token);
  await step('watch', watch);

  await step('delete', () => library.manage(client, 'DELETE'));
  await attempt('read_deleted', () => library.manage(client, 'GET'));
  await attempt('update_deleted', () => library.manage(client, 'PUT', replacement(client)));
  await attempt('delete_deleted', () => library.manage(client, 'DELETE'));
  await attempt('token_deleted', () => library.token(client, proof, wanted));
  await attempt('introspect_deleted', () => library.introspect(client, proof, second.access_token));
  await attempt('revoke_deleted', () => library.revoke(client, proof, second.access_token));
  await step('watch_deleted', watch);
}

/** A door that wants an initial access token, and the wrong ways through it. */
async function door(library) {
  const { initial_access_token: good } = plan;
  const enter = (token) => () => library.register(plan.metadata, { token });
  await attempt('stranger', enter(undefined));
  await attempt('guessed_token', enter('guessed'));
  await step('right_token', enter(good));
  await attempt('used_up_token', enter(good));
}

/** Mistakes of a client, each of which its developer should hear about. */
async function refusals(library) {
  const { proof } = await credentials();
  const register = (change) => library.register({ ...plan.metadata, ...change }, {});
  for (const [name, change] of Object.entries(plan.mistakes)) {
    await attempt(name, () => register(change));
  }

  const client = await step('register', () => register({}));
  const stranger = { ...client, client_secret: 'guessed' };
  await attempt('wrong_secret', () => library.token(stranger, proof, {}));
  await attempt('unknown_scope', () => library.token(client, proof, { scope: 'unheard_of' }));
  await attempt('unknown_resource', () =>
    library.token(client, proof, { resource: 'https://other.example/' }),
  );
  await attempt('identity_theft', () => library.manage(client, 'PUT', { client_id: 'another' }));
}

const SECRET = { method: 'client_secret_basic' };

/** Return how the client of the plan proves itself, and the keys it registers for that. */
export async function credentials() {
  const { method, alg, signs_as: signsAs } = plan;
  if (method !== 'private_key_jwt') return { proof: { method } };
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const kid = 'interop';
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { proof: { method, key: privateKey, kid, alg: signsAs }, jwks: { jwks: { keys: [jwk] } } };
}

/** Return *client* as a replacement of itself (RFC 7592 §2.2): one member new, one left out. */
function replacement(client) {
  const {
    registration_access_token: _token,
    registration_client_uri: _uri,
    client_secret_expires_at: _expiry,
    client_id_issued_at: _issue,
    contacts: _contacts,
    ...kept
  } = client;
  return { ...kept, client_name: 'Renamed' };
}

/** Run a step the rest depends on. */
export async function step(name, action) {
  const outcome = await attempt(name, action);
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}

/** Run a step that may fail, and go on. */
export async function attempt(name, action) {
  try {
    const result = await action();
    say({ step: name, result: result ?? null });
    return { result };
  } catch (error) {
    say({ step: name, failure: await told(error) });
    return { error };
  }
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Return what a caller of the library can learn from *error*, in one form for both. */
async function told(error) {
  const { response = {} } = error;
  const challenges = Array.isArray(error.cause) ? error.cause : [];
  const body = response.bodyUsed === false ? await response.json().catch(() => ({})) : {};
  return {
    kind: error.name,
    message: error.message,
    status: error.status ?? null,
    error: error.error ?? body.error ?? null,
    error_description: error.error_description ?? body.error_description ?? null,
    challenges,
    cause: error.cause?.code ?? null,
  };
}
