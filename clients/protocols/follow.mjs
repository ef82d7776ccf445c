// Follows a subscription with the clients that front ends use, and prints what they are told, one line of
// JSON each: node follow.mjs sse|ws URL REQUEST; the token is in TOKEN.
import { createClient as overSse } from 'graphql-sse';
import { createClient as overWebSocket } from 'graphql-ws';
import WebSocket from 'ws';

const [transport, url, request] = process.argv.slice(2);
const authorization = process.env.TOKEN && `Bearer ${process.env.TOKEN}`;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const client =
  transport === 'sse'
    ? overSse({ url, headers: authorization ? { authorization } : {}, retryAttempts: 0 })
    : overWebSocket({
        url: url.replace(/^http/, 'ws'),
        connectionParams: authorization ? { authorization } : {},
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });

client.subscribe(
  JSON.parse(request),
  {
    next: (result) => say({ next: result, at: Date.now() }),
    error: (error) => {
      const code = error.code ?? null;
      say({ error: Array.isArray(error) ? error : String(error.message ?? error.reason ?? error), code });
      process.exit(0);
    },
    complete: () => {
      say({ complete: true });
      process.exit(0);
    },
  },
);
