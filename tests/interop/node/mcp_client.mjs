// @modelcontextprotocol/client, the second generation, split from the server's part.
import {
  Client,
  StreamableHTTPClientTransport as Transport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { callTool } from './mcp.mjs';

const finishAuth = (transport, parameters) => transport.finishAuth(parameters);

await callTool({ Client, Transport, UnauthorizedError, finishAuth });
