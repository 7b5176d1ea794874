// What the MCP SDK for TypeScript is put through, as a program that uses it does: it is asked to
// call a tool, and finds out by itself whom to ask for a token.
import { plan, step, travel } from './journeys.mjs';
import { brought, visit } from './people.mjs';

/** Keeps what the SDK asks to keep. */
class Keeper {
  redirectUrl = plan.redirect_uri;
  clientMetadata = plan.metadata;
  kept = {};

  state = () => 'interop';
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  discoveryState = () => this.kept.discovery;
  saveDiscoveryState = (discovery) => void (this.kept.discovery = discovery);
  redirectToAuthorization = (url) => void (this.kept.url = url.href);
}

/** Run the journey with one of the SDKs: its classes, and how it takes what the person brought. */
export async function callTool({ Client, Transport, UnauthorizedError, finishAuth }) {
  await travel(null, { tool });

  async function tool() {
    const keeper = new Keeper();
    const transport = new Transport(new URL(plan.mcp), { authProvider: keeper });
    await step('unauthorized', () => connect(transport).then(fail, expected));
    await step('register', () => keeper.kept.client);
    const arrival = await step('arrive', () => visit(keeper.kept.url));
    await step('finish', () => finishAuth(transport, brought(arrival)).then(() => keeper.kept.tokens));

    const again = new Transport(new URL(plan.mcp), { authProvider: keeper });
    let client;
    await step('connect', async () => void (client = await connect(again)));
    await step('call', () => whoami(client));
    await fetch(new URL('/expire', plan.mcp), { method: 'POST' });
    await step('call_refreshed', () => whoami(client));
    await step('tokens', () => keeper.kept.tokens);
    await client.close();
  }

  async function connect(transport) {
    const client = new Client({ name: 'interop', version: '1' });
    await client.connect(transport);
    return client;
  }

  function expected(error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    return null;
  }
}

const fail = () => {
  throw new Error('connected without a token');
};

const whoami = async (client) => {
  const { structuredContent } = await client.callTool({ name: 'whoami', arguments: {} });
  return structuredContent;
};
