// @modelcontextprotocol/sdk, the first generation.
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { callTool } from './mcp.mjs';

const finishAuth = (transport, parameters) => transport.finishAuth(parameters.get('code'));

await callTool({ Client, Transport, UnauthorizedError, finishAuth });
