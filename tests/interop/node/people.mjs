// What a library is put through that people sign in with. Every step is told as in journeys.mjs.
//
// A library is an object of functions that take and give plain JSON and do nothing but call it. An
// application is what `enter` returned: *client* is its client information, the rest the library's.
//   enter(metadata, proof, ways)           an application that registered; ways: {dpop, jarm}
//   start(application, parameters, how)    {url, …}: where to send the person; how: plain, pushed or signed
//   finish(application, started, arrival)  {…token response, claims} from what the person brought back
//   userinfo(application, tokens)          claims
//   refresh(application, token, parameters)   token response
//   introspect(application, token)         introspection response
//   revoke(application, token)             nothing
//   device(application, parameters, show)  token response, once show(device authorization) is done
//   exchange(application, parameters)      token response of RFC 8693
//   leave(application, parameters)         where to send the person who signs out
import { attempt, credentials, plan, step, travel } from './journeys.mjs';

/** Run the journey named on the command line with *library*. */
export const signIn = (library) => travel(library, { code, denial, device, exchange, leave });

/** From a person's consent to its end. */
async function code(library) {
  const application = await enter(library);
  const parameters = { ...plan.authorization, scope: plan.scope, redirect_uri: plan.redirect_uri };
  const tokens = await authorize(library, application, parameters);
  await step('userinfo', () => library.userinfo(application, tokens));
  if (plan.method !== 'none') {
    await step('introspect', () => library.introspect(application, tokens.access_token));
  }

  const renewed = await step('refresh', () => refresh(tokens));
  await attempt('retry', () => refresh(tokens));
  await attempt('beyond', () => refresh(renewed, { scope: `${plan.scope} write` }));
  const last = await step('refresh_again', () => refresh(renewed));
  await attempt('userinfo_later', () => library.userinfo(application, last));
  await attempt('replay', () => refresh(tokens));
  await attempt('refresh_later', () => refresh(last));

  await step('revoke', () => library.revoke(application, last.refresh_token));
  await attempt('refresh_revoked', () => refresh(last));
  await attempt('userinfo_revoked', () => library.userinfo(application, last));
  await step('authorize_again', () => authorize(library, application, parameters, 'again_'));

  function refresh({ refresh_token: token }, more = {}) {
    return library.refresh(application, token ?? tokens.refresh_token, more);
  }
}

/** A person who does not want to. */
async function denial(library) {
  const application = await enter(library);
  const parameters = { scope: plan.scope, redirect_uri: plan.redirect_uri };
  const started = await step('start', () => library.start(application, parameters, plan.started));
  const arrival = await step('arrive', () => visit(started.url, { decision: 'deny' }));
  await attempt('finish', () => library.finish(application, started, arrival));
}

/** A device without a browser, and its owner with one. */
async function device(library) {
  const application = await enter(library);
  const tokens = await step('device', () =>
    library.device(application, { scope: plan.scope }, async (shown) => {
      await step('shown', () => shown);
      await step('arrive', () => visit(shown.verification_uri, { user_code: shown.user_code }));
    }),
  );
  await step('userinfo', () => library.userinfo(application, tokens));
}

/** A service that hands on less than it was given. */
async function exchange(library) {
  const application = await enter(library);
  const { scope, redirect_uri, resource } = plan;
  const tokens = await authorize(library, application, { scope, redirect_uri, resource });
  const wanted = {
    subject_token: tokens.access_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    ...plan.wanted,
  };
  const exchanged = await step('exchange', () => library.exchange(application, wanted));
  await attempt('introspect', () => library.introspect(application, exchanged.access_token));
}

/** A person who signs out at the client, and so here. */
async function leave(library) {
  const application = await enter(library);
  const parameters = { scope: plan.scope, redirect_uri: plan.redirect_uri };
  const tokens = await authorize(library, application, parameters);
  const farewell = {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: plan.post_logout_redirect_uri,
    state: 'farewell',
  };
  const url = await step('leave', () => library.leave(application, farewell));
  await step('left', () => visit(url, { decision: 'logout' }));
  const silent = { ...parameters, prompt: 'none' };
  const started = await step('start_silent', () => library.start(application, silent, 'plain'));
  const arrival = await step('arrive_silent', () => visit(started.url));
  await attempt('finish_silent', () => library.finish(application, started, arrival));
}

/** Register the application of the plan. */
async function enter(library) {
  const { proof, jwks } = await credentials();
  const { dpop, jarm } = plan;
  const metadata = { ...plan.metadata, ...jwks };
  const told = {};
  await step('register', async () => {
    told.application = await library.enter(metadata, proof, { dpop, jarm });
    return told.application.client;
  });
  return told.application;
}

/** Send the person to the server and redeem what they bring back. */
async function authorize(library, application, parameters, prefix = '') {
  const how = plan.started;
  const started = await step(`${prefix}start`, () => library.start(application, parameters, how));
  const arrival = await step(`${prefix}arrive`, () => visit(started.url));
  return step(`${prefix}finish`, () => library.finish(application, started, arrival));
}

/** Send the person at hand to *url* with a browser; return where it took them. */
export async function visit(url, wishes = {}) {
  const response = await fetch(`${plan.person}?${new URLSearchParams({ ...wishes, url })}`);
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** Return the parameters that *arrival* brought, wherever they were. */
export function brought({ url, fields }) {
  const { search, hash } = new URL(url);
  return new URLSearchParams(fields ?? (search || hash.slice(1)));
}
