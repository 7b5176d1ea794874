// npm oidc-provider, as the organisation's own OpenID provider that our people sign in at. It says
// its issuer on standard output and ends with standard input. Whoever signs in exists, by the name
// they typed; they have to allow our server what it asks for.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  claims: { profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  features: {
    registration: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
});

const claimsOf = (id) => ({
  sub: id,
  name: `${id} of the company`,
  preferred_username: id,
  email: `${id}@company.example`,
  email_verified: true,
});

server.on('request', provider.callback());
process.stdout.write(`${issuer}\n`);
process.stdin.on('end', () => process.exit()).resume();
